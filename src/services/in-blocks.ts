import type { Block } from '../ports/digest.ts'

/** Measured with 1 GiB: smaller blocks cost more journeys between threads, larger ones only memory. */
export const BLOCK_BYTES = 1024 * 1024

/**
 * Gathers chunks of any size in blocks, and has each one consumed while the next is filled: two blocks for a file, however large.
 * `onChunk` sees the number of bytes of each chunk before they are gathered; what it throws ends the reading. No block is being
 * consumed any more when this returns or throws.
 */
export async function inBlocks(
  bytes: AsyncIterable<Uint8Array>,
  sizeInBytes: number,
  onChunk: (chunkBytes: number) => Promise<void> | void,
  consume: (block: Block) => Promise<void>,
): Promise<void> {
  let filling = newBlock(sizeInBytes)
  let spare: Block | undefined
  let filled = 0
  let consuming = Promise.resolve()
  let failure: { error: unknown } | undefined

  function handOver(): void {
    const full = filling
    consuming = consume(full.subarray(0, filled))
    // The source may be slow: it is left at its next chunk, not when the next block is full.
    consuming.catch((error) => {
      failure = { error }
    })
    filling = spare ?? newBlock(sizeInBytes)
    spare = full
    filled = 0
  }

  try {
    for await (const chunk of bytes) {
      if (failure !== undefined) throw failure.error
      await onChunk(chunk.length)
      for (let taken = 0; taken < chunk.length; ) {
        if (filled === filling.length) {
          await consuming
          handOver()
        }
        const part = chunk.subarray(taken, taken + filling.length - filled)
        filling.set(part, filled)
        filled += part.length
        taken += part.length
      }
    }
    await consuming
    if (filled > 0) handOver()
  } finally {
    await consuming
  }
}

function newBlock(sizeInBytes: number): Block {
  return new Uint8Array(new SharedArrayBuffer(Math.min(Math.max(sizeInBytes, 1), BLOCK_BYTES)))
}
