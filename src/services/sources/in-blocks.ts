import { BLOCK_BYTES, type Block, fillBlock, isBlock, returnBlock, takeBlock } from '../../ports/block.ts'

/** Of one file: one is filled, the others are consumed. A third hides that one consumer is slow now and another one then. */
const BLOCKS_MAX = 3

/**
 * Gathers chunks of any size in blocks, and has them consumed while the next is filled: three blocks for a file, however large. A chunk
 * that is a block already is passed on as it is, and returned.
 *
 * `consume` is called in their order, but for a block before it is done with the last one. `onChunk` sees the number of bytes of each chunk
 * before they are gathered; what it throws ends the reading. No block is being consumed any more when this returns or throws: from then on
 * others fill it.
 */
export async function inBlocks(
  bytes: AsyncIterable<Uint8Array>,
  onChunk: (chunkBytes: number) => Promise<void> | void,
  consume: (block: Block) => Promise<void>,
): Promise<void> {
  /** The oldest first. */
  const consumed: { block: Block; done: Promise<void> }[] = []
  let filling: Block | undefined
  let filled = 0
  let failure: { error: unknown } | undefined

  function handOver(block: Block): void {
    const done = consume(block)
    // The source may be slow: it is left at its next chunk, not when the next block is full.
    done.catch((error) => {
      failure ??= { error }
    })
    consumed.push({ block, done })
  }

  function handOverFilled(): void {
    if (filling === undefined) return
    const block = filling.subarray(0, filled)
    filling = undefined
    filled = 0
    handOver(block)
  }

  /** Waits until one more block may be in use. */
  async function makeRoom(): Promise<void> {
    while (consumed.length >= BLOCKS_MAX - 1) {
      const [oldest] = consumed
      await oldest?.done
      consumed.shift()
      if (oldest !== undefined) returnBlock(oldest.block)
    }
  }

  try {
    for await (const chunk of bytes) {
      if (failure !== undefined) throw failure.error
      await onChunk(chunk.length)
      if (isBlock(chunk)) {
        handOverFilled()
        await makeRoom()
        handOver(chunk)
        await makeRoom()
        continue
      }
      for (let gathered = 0; gathered < chunk.length; ) {
        if (filling === undefined) {
          await makeRoom()
          filling = takeBlock()
        }
        const copied = fillBlock(filling, filled, chunk, gathered)
        filled += copied
        gathered += copied
        if (filled === BLOCK_BYTES) handOverFilled()
      }
    }
    handOverFilled()
    for (const { done } of consumed) await done
  } finally {
    await Promise.allSettled(consumed.map(({ done }) => done))
    for (const { block } of consumed) returnBlock(block)
    if (filling !== undefined) returnBlock(filling)
  }
}
