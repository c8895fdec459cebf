import { randomBytes } from 'node:crypto'
import type { ApiClient } from '../../src/client/api-client.ts'
import { formatUpdateId } from '../../src/domain/update-id.ts'
import type { MisbehavingSource } from './misbehaving-source.ts'
import { operationEnd } from './operation-end.ts'
import { type PublishedUpdate, publishUpdate } from './publish-update.ts'

/** What was done to a server, and how far it had come at any time. */
export interface Load {
  /** Every update that an import was asked for, by its identity as a text. */
  published: ReadonlyMap<string, PublishedUpdate>
  /** Those whose import has ended well, and for which no deletion was asked for. */
  settled(): Set<string>
  /** Those for which a deletion has ended. */
  deleted(): Set<string>
  /** Ends it, when what is under way has ended. Throws what went wrong. */
  stop(): Promise<void>
}

/** Imports updates with one to three files, several at a time, and deletes every third of them again. */
export function importWithoutPause(client: ApiClient, source: MisbehavingSource, lanes = 4): Load {
  const published = new Map<string, PublishedUpdate>()
  const settled = new Set<string>()
  const deleted = new Set<string>()
  let isStopped = false

  async function lane(): Promise<void> {
    for (let number = 0; !isStopped; number += 1) {
      const files = Array.from({ length: 1 + (number % 3) }, (_, index) => ({
        name: `file-${index}.bin`,
        bytes: randomBytes(1 + 40_000 * index),
      }))
      const update = publishUpdate(source, { files })
      const key = formatUpdateId(update.updateId)
      published.set(key, update)
      const { operationId } = await client.importUpdate([update.input])
      const { status, error } = await operationEnd(client, operationId)
      if (status !== 'Succeeded') throw new Error(`${key}: ${JSON.stringify(error)}`)
      settled.add(key)
      if (number % 3 !== 2) continue
      settled.delete(key)
      const deletion = await client.deleteUpdate(update.updateId)
      await operationEnd(client, deletion.operationId)
      deleted.add(key)
    }
  }

  const running = Promise.all(Array.from({ length: lanes }, lane))
  running.catch(() => {})
  return {
    published,
    settled: () => new Set(settled),
    deleted: () => new Set(deleted),
    async stop() {
      isStopped = true
      await running
    },
  }
}
