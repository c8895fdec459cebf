import { AppError } from '../../domain/errors.ts'
import { BLOCK_BYTES, type Block } from '../../ports/block.ts'
import type { StartDigest } from '../../ports/digest.ts'
import { digestHere } from './digest-here.ts'
import { inBlocks } from './in-blocks.ts'

/** The hash algorithms that are checked; the digest of any other that a manifest states is only passed on. */
const CHECKED_ALGORITHMS: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'])

/** What a manifest, or a request, promises about some bytes. */
export interface ExpectedFile {
  /** How messages call it. */
  title: string
  url: URL
  sizeInBytes: number
  /** Algorithm in lower case → base64 of the digest. */
  hashes: Record<string, string>
}

export interface CopyOptions {
  signal: AbortSignal
  startDigest?: StartDigest | undefined
  /** Called as bytes come, with the sum so far. */
  onProgress?: (bytesDone: number) => Promise<void>
}

/**
 * Reads bytes to their end, handing them to each of the `takers` in blocks, and throws `AppError` (`SizeMismatch`, `HashMismatch`) unless
 * size and every hash are as expected. No block is being taken any more when this returns or throws.
 */
export async function copyChecked(
  { title, sizeInBytes, hashes }: Omit<ExpectedFile, 'url'>,
  bytes: AsyncIterable<Uint8Array>,
  { signal, startDigest = digestHere, onProgress }: CopyOptions,
  ...takers: readonly ((block: Block) => Promise<void>)[]
): Promise<void> {
  const algorithms = Object.keys(hashes).filter((algorithm) => CHECKED_ALGORITHMS.has(algorithm))
  // A single block is not worth the journey.
  using digest = sizeInBytes <= BLOCK_BYTES ? digestHere(algorithms) : startDigest(algorithms)
  let bytesDone = 0

  const onChunk = async (chunkBytes: number) => {
    signal.throwIfAborted()
    bytesDone += chunkBytes
    if (bytesDone > sizeInBytes) {
      throw new AppError('SizeMismatch', `${title} should have ${sizeInBytes} bytes, but its source sends more.`)
    }
    await onProgress?.(bytesDone)
  }
  // Each takes one block after the other, but need not wait for what the others do with it.
  const taking = takers.map((take) => ({ take, last: Promise.resolve() }))
  await inBlocks(bytes, onChunk, (block) => {
    for (const taker of taking) taker.last = taker.last.then(() => taker.take(block))
    return allOf(digest.update(block), ...taking.map(({ last }) => last))
  })

  if (bytesDone !== sizeInBytes) {
    throw new AppError('SizeMismatch', `${title} should have ${sizeInBytes} bytes, but its source sent ${bytesDone}.`)
  }
  const actual = await digest.result()
  for (const algorithm of algorithms) {
    if (actual[algorithm] !== hashes[algorithm]) {
      throw new AppError(
        'HashMismatch',
        `${title} should have the ${algorithm} hash ${hashes[algorithm]}, but the bytes that came have ${actual[algorithm]}.`,
      )
    }
  }
}

/** Whether the bytes were not those that were promised. */
export function isMismatch(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === 'SizeMismatch' || error.code === 'HashMismatch')
}

/** Waits until all have let go of a block, also where one fails: nobody may take it back under another's hands. */
async function allOf(...takers: Promise<void>[]): Promise<void> {
  for (const taken of await Promise.allSettled(takers)) if (taken.status === 'rejected') throw taken.reason
}
