import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore, BlobWriter } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { findBlob, recordBlob, replaceBlob } from '../../store/blobs/blobs.ts'

/**
 * Makes written and checked bytes the copy in force for their content; if the store has that content by now, the new copy is
 * dropped. The content must be held (`holdBlob`) beforehand. Bytes are durable before the row that names them is.
 */
export async function settleBlob(
  writer: BlobWriter,
  { name, sha256, sizeInBytes }: { name: BlobName; sha256: string; sizeInBytes: number },
  { database, blobs }: { database: Database; blobs: BlobStore },
): Promise<void> {
  const present = await findBlob(database, sha256)
  if (present !== undefined && (await blobs.size(present.name)) === sizeInBytes) return

  await writer.commit()
  const inForce =
    present === undefined
      ? await recordBlob(database, { sha256, name, sizeInBytes })
      : await replaceBlob(database, { sha256, missing: present.name, name })
  if (inForce !== name) await blobs.delete(name)
}
