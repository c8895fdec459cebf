import type { Block } from '../../ports/digest.ts'

/** Measured with 1 GiB: smaller blocks cost more journeys between threads, larger ones only memory. */
export const BLOCK_BYTES = 1024 * 1024

/** Left to the garbage collector, which does not see how large they are, shared blocks would pile up by the hundred. */
const idle: Block[] = []
const IDLE_MAX = 32

/** Of one file: one is filled, the others are consumed. A third hides that one consumer is slow now and another one then. */
const BLOCKS_MAX = 3

/**
 * Gathers chunks of any size in blocks, and has them consumed while the next is filled: three blocks for a file, however large.
 * `consume` is called in their order, but for a block before it is done with the last one. `onChunk` sees the number of bytes of each chunk
 * before they are gathered; what it throws ends the reading. No block is being consumed any more when this returns or throws: from then on
 * others fill it.
 */
export async function inBlocks(
  bytes: AsyncIterable<Uint8Array>,
  onChunk: (chunkBytes: number) => Promise<void> | void,
  consume: (block: Block) => Promise<void>,
): Promise<void> {
  const taken: Block[] = []
  /** The oldest first. */
  const consumed: { block: Block; done: Promise<void> }[] = []
  let filling = take()
  let filled = 0
  let failure: { error: unknown } | undefined

  function take(): Block {
    const block = idle.pop() ?? new Uint8Array(new SharedArrayBuffer(BLOCK_BYTES))
    taken.push(block)
    return block
  }

  function handOver(): void {
    const done = consume(filling.subarray(0, filled))
    // The source may be slow: it is left at its next chunk, not when the next block is full.
    done.catch((error) => {
      failure ??= { error }
    })
    consumed.push({ block: filling, done })
    filled = 0
  }

  async function next(): Promise<Block> {
    if (taken.length < BLOCKS_MAX) return take()
    const oldest = consumed.shift()
    await oldest?.done
    return oldest?.block ?? take()
  }

  try {
    for await (const chunk of bytes) {
      if (failure !== undefined) throw failure.error
      await onChunk(chunk.length)
      for (let gathered = 0; gathered < chunk.length; ) {
        if (filled === BLOCK_BYTES) {
          handOver()
          filling = await next()
        }
        const part = chunk.subarray(gathered, gathered + BLOCK_BYTES - filled)
        // Not `set`, which goes into shared memory at half the speed (measured).
        Buffer.prototype.copy.call(part, filling, filled)
        filled += part.length
        gathered += part.length
      }
    }
    if (filled > 0) handOver()
    for (const { done } of consumed) await done
  } finally {
    await Promise.allSettled(consumed.map(({ done }) => done))
    idle.push(...taken.slice(0, IDLE_MAX - idle.length))
  }
}
