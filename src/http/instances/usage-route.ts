import type { ServiceLimits } from '../../domain/service-limits.ts'
import type { Database } from '../../ports/database.ts'
import { countStorage, type StorageUse } from '../../store/updates/usage.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { describe, document } from '../route-schemas.ts'
import { Usage } from '../schemas.ts'

/** As many as a picture has room for. */
const LARGEST_MAX = 10

/** What the updates of an instance take. */
export function usageRoute({ database, limits }: { database: Database; limits: ServiceLimits }): ApiRoute {
  const counting = new Map<string, Promise<StorageUse>>()

  /** Who asks while it is counted gets the same answer: each counting reads all that there is. */
  function count(instance: string): Promise<StorageUse> {
    const running = counting.get(instance)
    if (running !== undefined) return running
    const begun = countStorage(database, { instance, largestMax: LARGEST_MAX }).finally(() => counting.delete(instance))
    counting.set(instance, begun)
    return begun
  }

  return {
    method: 'GET',
    path: '/usage',
    permission: 'updates/read',
    schema: describe(
      {
        operationId: 'Aduana_GetUsage',
        summary: 'Get what the updates of an instance take',
        description: 'Counts now; in a large catalogue that takes a moment.',
      },
      document(Usage),
    ),
    async handle({ instance }) {
      const { updates, files, bytes, storedBytes, largest } = await count(instance)
      return json({
        updates,
        files,
        sizeInBytes: bytes,
        storedBytes,
        limits: { updates: limits.updates, sizeInBytes: limits.bytes },
        largest: largest.map(({ bytes: sizeInBytes, ...name }) => ({ ...name, sizeInBytes })),
      })
    },
  }
}
