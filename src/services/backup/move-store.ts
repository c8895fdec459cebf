import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { isBlobInForce } from '../../store/blobs/blobs.ts'
import { listUsers } from '../../store/blobs/inspect-blobs.ts'
import { copyBlobs, describeBlobs } from './copy-blobs.ts'

/** Each round takes what came in or was replaced while the one before went on; a store that never comes to rest is told. */
const ROUNDS_MAX = 20

export interface MoveReport {
  copiedBlobs: number
  copiedBytes: number
}

/**
 * Copies every blob that the catalogue names from one store to another, while servers go on with both: until a round finds nothing to
 * copy. Each blob is checked on the way. With `verify` what the new store has already is read and checked, too. Nothing is deleted. Throws
 * an `Error` with a sentence where a blob is missing or damaged, when all others are copied.
 */
export async function moveStore(
  database: Database,
  { from, to, verify }: { from: BlobStore; to: BlobStore; verify: boolean },
): Promise<MoveReport> {
  const moved: MoveReport = { copiedBlobs: 0, copiedBytes: 0 }
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const { copiedBlobs, copiedBytes, gone, damaged } = await copyBlobs(database, {
      source: from,
      target: to,
      verify: verify && round === 1,
    })
    moved.copiedBlobs += copiedBlobs
    moved.copiedBytes += copiedBytes
    // Swept, or replaced by a copy that is in the new store, since the list was read. What no update needs is on its way out.
    const lost: BlobName[] = []
    for (const name of gone) {
      const isNeeded =
        (await isBlobInForce(database, name)) && (await listUsers(database, name.slice(0, 64), 1)).length > 0
      if (isNeeded && (await to.size(name)) === undefined) lost.push(name)
    }
    if (lost.length + damaged.length > 0) {
      const faults = [...lost.map((name) => ({ name, reason: 'it is missing' })), ...damaged]
      throw new Error(
        `Not everything could be copied:${await describeBlobs(database, faults)}\n` +
          'Import these updates again, or delete them, and run this once more.',
      )
    }
    if (copiedBlobs === 0) return moved
  }
  throw new Error(
    `After ${ROUNDS_MAX} rounds there is still something new in the old store: restart all nodes with the new one as --store.`,
  )
}
