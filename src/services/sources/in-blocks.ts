import type { Block } from '../../ports/digest.ts'

/** Measured with 1 GiB: smaller blocks cost more journeys between threads, larger ones only memory. */
export const BLOCK_BYTES = 1024 * 1024

/** Left to the garbage collector, which does not see how large they are, shared blocks would pile up by the hundred. */
const idle: Block[] = []
const IDLE_MAX = 32

/**
 * Gathers chunks of any size in blocks, and has each one consumed while the next is filled: two blocks for a file, however large.
 * `onChunk` sees the number of bytes of each chunk before they are gathered; what it throws ends the reading. No block is being
 * consumed any more when this returns or throws: from then on others fill it.
 */
export async function inBlocks(
  bytes: AsyncIterable<Uint8Array>,
  onChunk: (chunkBytes: number) => Promise<void> | void,
  consume: (block: Block) => Promise<void>,
): Promise<void> {
  const taken: Block[] = []
  let filling = take()
  let spare: Block | undefined
  let filled = 0
  let consuming = Promise.resolve()
  let failure: { error: unknown } | undefined

  function take(): Block {
    const block = idle.pop() ?? new Uint8Array(new SharedArrayBuffer(BLOCK_BYTES))
    taken.push(block)
    return block
  }

  function handOver(): void {
    const full = filling
    consuming = consume(full.subarray(0, filled))
    // The source may be slow: it is left at its next chunk, not when the next block is full.
    consuming.catch((error) => {
      failure = { error }
    })
    filling = spare ?? take()
    spare = full
    filled = 0
  }

  try {
    for await (const chunk of bytes) {
      if (failure !== undefined) throw failure.error
      await onChunk(chunk.length)
      for (let gathered = 0; gathered < chunk.length; ) {
        if (filled === BLOCK_BYTES) {
          await consuming
          handOver()
        }
        const part = chunk.subarray(gathered, gathered + BLOCK_BYTES - filled)
        // Not `set`, which goes into shared memory at half the speed (measured).
        Buffer.prototype.copy.call(part, filling, filled)
        filled += part.length
        gathered += part.length
      }
    }
    await consuming
    if (filled > 0) await consume(filling.subarray(0, filled))
  } finally {
    await consuming.finally(() => idle.push(...taken.slice(0, IDLE_MAX - idle.length)))
  }
}
