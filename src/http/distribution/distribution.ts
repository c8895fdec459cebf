import { type ContentName, contentUrlPath } from '../../domain/distribution.ts'
import type { JsonValue } from '../../domain/json-text.ts'
import { wireTime } from '../../domain/times.ts'
import type { Database } from '../../ports/database.ts'
import { distributionStatus } from '../../services/distribution/distribution-status.ts'
import { type FileCopy, listFileCopies } from '../../store/distribution/distribution-status.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { describe, document } from '../route-schemas.ts'
import { Distribution } from './distribution-schemas.ts'

/** A distribution store as clients come to know it. */
export interface ShownStore {
  name: string
  isRequired: boolean
  /** The address of its files, with `{path}` in it; undefined where nobody downloads from it by an address of its own. */
  template: string | undefined
}

/** Where the files of an update can be downloaded. */
export type Downloads = (file: ContentName) => { contentUrl: string; distribution?: JsonValue }

/**
 * Finds out where the files of an update are: at this server, under `base`, and at the distribution stores. A file's address is that of the
 * first store that has an address for it and where it is present, else the server's own.
 */
export async function findDownloads(
  { database, distribution = [] }: { database: Database; distribution?: readonly ShownStore[] | undefined },
  { updateId, base }: { updateId: string; base: string },
): Promise<Downloads> {
  const copies = distribution.length === 0 ? [] : await listFileCopies(database, updateId)
  return (file) => {
    const path = contentUrlPath(file)
    const places = distribution.flatMap(({ name, template }) =>
      copies
        .filter(({ contentId, store }) => contentId === file.contentId && store === name)
        .map((copy) => ({ copy, url: template?.replace('{path}', () => path) })),
    )
    const nearest = places.find(({ copy, url }) => url !== undefined && copy.state === 'Present')
    return {
      contentUrl: nearest?.url ?? `${base}/content/${path}`,
      ...(distribution.length > 0 && { distribution: places.map(copyMembers) }),
    }
  }
}

function copyMembers({
  copy: { store, state, since, reason },
  url,
}: {
  copy: FileCopy
  url: string | undefined
}): JsonValue {
  return { store, state, url, since: wireTime(since), reason }
}

/** How the distribution stores stand with the files of an instance. */
export function distributionRoute({
  database,
  distribution = [],
}: {
  database: Database
  distribution?: readonly ShownStore[] | undefined
}): ApiRoute {
  return {
    method: 'GET',
    path: '/distribution',
    permission: 'updates/read',
    schema: describe(
      {
        operationId: 'Aduana_GetDistribution',
        summary: 'Get how the distribution stores stand',
        description: 'Counts the files of this instance now; in a large catalogue that takes a moment.',
      },
      document(Distribution),
    ),
    async handle({ instance }) {
      const stores: JsonValue[] = []
      for (const { name, isRequired } of distribution) {
        const status = await distributionStatus(database, { store: name, instances: [instance] })
        const { copies, oldestWaiting, lastCheck } = status
        stores.push({
          store: name,
          isRequired,
          waiting: copies.Waiting,
          present: copies.Present,
          dropping: copies.Dropping,
          oldestWaiting: oldestWaiting && { since: wireTime(oldestWaiting.since), reason: oldestWaiting.reason },
          lastCheckDateTime: lastCheck && wireTime(lastCheck.at),
        })
      }
      return json({ stores })
    },
  }
}
