import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore, BlobWriter } from '../../ports/blob-store.ts'
import type { Database, Statement } from '../../ports/database.ts'
import { findBlob, recordBlob, replaceBlob } from '../../store/blobs/blobs.ts'

/**
 * Makes written and checked bytes the copy in force for their content; if the store has that content by now, the new copy is
 * dropped. The content must be held (`holdContents`) beforehand, or be noted as a part of an upload. Bytes are durable before the
 * row that names them is, and what `facts` write about the content is written with that row.
 */
export async function settleBlob(
  writer: BlobWriter,
  { name, sha256, sizeInBytes }: { name: BlobName; sha256: string; sizeInBytes: number },
  { database, blobs, facts = [] }: { database: Database; blobs: BlobStore; facts?: readonly Statement[] },
): Promise<void> {
  const present = await findBlob(database, sha256)
  if (present !== undefined && (await blobs.size(present.name)) === sizeInBytes) {
    if (facts.length > 0) await database.batch(facts)
    return
  }

  await writer.commit()
  const inForce =
    present === undefined
      ? await recordBlob(database, { sha256, name, sizeInBytes }, facts)
      : await replaceBlob(database, { sha256, missing: present.name, name }, facts)
  if (inForce !== name) await blobs.delete(name)
}
