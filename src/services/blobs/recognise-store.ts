import { createHash, randomUUID } from 'node:crypto'
import { type BlobName, newBlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { dropMark, findMark, recordMark } from '../../store/blobs/store-mark.ts'

/**
 * Sees to it that a store is the one whose blobs the database names: a small blob in it is its mark. With `mayMark` the store
 * becomes the one of a database that has none yet. Throws an `Error` with a sentence if it is another one: everything would be missing there,
 * and what is imported would be missing elsewhere.
 */
export async function recogniseStore(
  { database, blobs }: { database: Database; blobs: BlobStore },
  { title, mayMark }: { title: string; mayMark: boolean },
): Promise<void> {
  const mark = (await findMark(database)) ?? (mayMark ? await makeMark({ database, blobs }) : undefined)
  if (mark === undefined || (await blobs.size(mark)) !== undefined) return
  throw new Error(
    `The store ${title} is not the one of this database: the blob ${mark}, which marks that one, is not there. ` +
      'Name the right store with --store; where it lost its blobs, restore them from a backup first.',
  )
}

/**
 * Whether a store by itself is the one of the database, or that has none yet. Until everything was moved to it, it is not: then nobody may
 * take what the database does not name in it for a leftover.
 */
export async function isStoreOf(database: Database, store: BlobStore): Promise<boolean> {
  const mark = await findMark(database)
  return mark === undefined || (await store.size(mark)) !== undefined
}

/** The blob comes before its row, and that before the mark: a crash between leaves a few bytes that nobody asks for. */
async function makeMark({ database, blobs }: { database: Database; blobs: BlobStore }): Promise<BlobName> {
  const bytes = Buffer.from(`Marks a store of Aduana: ${randomUUID()}\n`)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const blob = { name: newBlobName(sha256), sizeInBytes: bytes.length }
  await using writer = await blobs.create(blob)
  await writer.write(bytes)
  await writer.commit()
  const mark = await recordMark(database, { ...blob, sha256 })
  if (mark !== blob.name) {
    // Another node was first.
    await dropMark(database, sha256)
    await blobs.delete(blob.name)
  }
  return mark
}
