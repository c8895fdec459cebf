import { createHash } from 'node:crypto'
import type { BlobName } from '../../domain/blob.ts'
import { type ContentName, contentPath } from '../../domain/distribution.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { DistributionStore } from '../../ports/distribution-store.ts'

/** A file whose bytes are in the store of the server. */
export interface FileToCopy extends ContentName {
  sizeInBytes: number
  /** In hex. */
  sha256: string
  blob: BlobName
}

/** The bytes that were to be copied are missing, unreadable or not the right ones: no fault of the distribution store. */
export class SourceUnfit extends Error {
  override readonly name = 'SourceUnfit'
}

/**
 * Copies a file to a distribution store, unless something of its size is there: what lies at such a path has been checked before. Every
 * byte is read from the server's own store and checked on its way. Answers how many bytes were copied, none where it was there already.
 *
 * Throws `SourceUnfit`, whatever the store throws, and the signal's reason.
 */
export async function copyToStore(
  file: FileToCopy,
  { store, blobs, signal }: { store: DistributionStore; blobs: BlobStore; signal: AbortSignal },
): Promise<number> {
  const { fileName, sizeInBytes, sha256 } = file
  const path = contentPath(file)
  if ((await store.size(path)) === sizeInBytes) return 0
  try {
    await store.put({ path, fileName, sizeInBytes, sha256 }, readChecked(file, { blobs, signal }))
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
  return sizeInBytes
}

async function* readChecked(
  { sizeInBytes, sha256, blob }: FileToCopy,
  { blobs, signal }: { blobs: BlobStore; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let bytesRead = 0
  for await (const chunk of readFit(blob, blobs)) {
    signal.throwIfAborted()
    hash.update(chunk)
    bytesRead += chunk.byteLength
    yield chunk
  }
  if (bytesRead === sizeInBytes && hash.digest('hex') === sha256) return
  throw new SourceUnfit(
    `The bytes of blob ${blob} are not those that were imported: the server's own store has damaged them.`,
  )
}

async function* readFit(name: BlobName, blobs: BlobStore): AsyncGenerator<Uint8Array> {
  try {
    yield* await blobs.open(name)
  } catch (cause) {
    throw new SourceUnfit(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
