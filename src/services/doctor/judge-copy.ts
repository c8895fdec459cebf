import { createHash } from 'node:crypto'
import { AppError } from '../../domain/errors.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { CopyInForce } from '../../store/blobs/inspect-blobs.ts'

/** What became of a copy. `unreadable`: nothing is known of its bytes, so nothing may be done to them. */
export type CopyState =
  | { kind: 'good' }
  | { kind: 'missing' }
  | { kind: 'damaged'; how: string }
  | { kind: 'unreadable'; why: string }

/**
 * Looks whether a copy has the size that it should, unless that `isSizeKnown` to be right, and with `isDeep` whether its bytes have their
 * SHA-256, in memory that does not depend on its size. A disk that cannot read the bytes back (EIO) has damaged them; any other error
 * says nothing about them.
 */
export async function judgeCopy(
  { sha256, name, sizeInBytes }: CopyInForce,
  {
    blobs,
    isDeep,
    isSizeKnown = false,
    onBytes = () => {},
  }: { blobs: BlobStore; isDeep: boolean; isSizeKnown?: boolean; onBytes?: (count: number) => void },
): Promise<CopyState> {
  try {
    const size = isSizeKnown ? sizeInBytes : await blobs.size(name)
    if (size === undefined) return { kind: 'missing' }
    if (size !== sizeInBytes) return { kind: 'damaged', how: `has ${size} bytes instead of ${sizeInBytes}` }
    if (!isDeep) return { kind: 'good' }
    const hash = createHash('sha256')
    for await (const chunk of await blobs.open(name)) {
      hash.update(chunk)
      onBytes(chunk.byteLength)
    }
    const actual = hash.digest('hex')
    if (actual === sha256) return { kind: 'good' }
    return { kind: 'damaged', how: `has other bytes than it should: their SHA-256 is ${actual}` }
  } catch (error) {
    if (error instanceof AppError && error.code === 'BlobMissing') return { kind: 'missing' }
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof Error && 'code' in error && error.code === 'EIO') {
      return { kind: 'damaged', how: `cannot be read back from the disk (${message})` }
    }
    return { kind: 'unreadable', why: message }
  }
}
