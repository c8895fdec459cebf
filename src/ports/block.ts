/** Bytes in memory that several threads can read at the same time. */
export type Block = Uint8Array<SharedArrayBuffer>

/** Measured with 1 GiB: smaller blocks cost more journeys between threads, larger ones only memory. */
export const BLOCK_BYTES = 1024 * 1024

const idle: Block[] = []
const IDLE_MAX = 32

/** A block of `BLOCK_BYTES`, with any bytes in it. */
export function takeBlock(): Block {
  return idle.pop() ?? new Uint8Array(new SharedArrayBuffer(BLOCK_BYTES))
}

/**
 * Takes back a block, or a part of one, that nobody reads or fills any more. Left to the garbage collector, which does not see how large
 * they are, blocks would pile up by the hundred.
 */
export function returnBlock({ buffer }: Block): void {
  if (buffer.byteLength === BLOCK_BYTES && idle.length < IDLE_MAX) idle.push(new Uint8Array(buffer))
}

/** Whether bytes are in such memory: who is given a block owns it, and returns it. */
export function isBlock(bytes: Uint8Array): bytes is Block {
  return bytes.buffer instanceof SharedArrayBuffer
}
