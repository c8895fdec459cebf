/** Bytes in memory that several threads can read at the same time. */
export type Block = Uint8Array<SharedArrayBuffer>

/** Measured with 1 GiB: smaller blocks cost more journeys between threads, larger ones only memory. */
export const BLOCK_BYTES = 1024 * 1024

const idle: Block[] = []
const IDLE_MAX = 32

/**
 * A block of `BLOCK_BYTES`, with any bytes in it. It begins where a page of memory does, if that can be had: disks want it so of what they
 * fetch themselves.
 */
export function takeBlock(): Block {
  return idle.pop() ?? new Uint8Array(newPages())
}

/** What is not in the library that this is compiled with. */
type Memories = {
  Memory: new (size: { initial: number; maximum: number; shared: true }) => { buffer: SharedArrayBuffer }
}

/** Memory of WebAssembly begins with a page; of other shared memory nothing is promised. It needs room for addresses, which may be limited. */
function newPages(): SharedArrayBuffer {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: Memories }
  const pages = BLOCK_BYTES / 65_536
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer
  } catch {
    return new SharedArrayBuffer(BLOCK_BYTES)
  }
}

/**
 * Takes back a block, or a part of one, that nobody reads or fills any more. Left to the garbage collector, which does not see how large
 * they are, blocks would pile up by the hundred.
 */
export function returnBlock({ buffer }: Block): void {
  if (buffer.byteLength === BLOCK_BYTES && idle.length < IDLE_MAX) idle.push(new Uint8Array(buffer))
}

/** Copies bytes, from the one at `from` on, behind the first `filled` of a block. Answers how many it had room for. */
export function fillBlock(block: Block, filled: number, bytes: Uint8Array, from: number): number {
  // Not `set`, which goes into shared memory at half the speed (measured).
  return Buffer.prototype.copy.call(bytes, block, filled, from)
}

/** Whether bytes are in such memory: who is given a block owns it, and returns it. */
export function isBlock(bytes: Uint8Array): bytes is Block {
  return bytes.buffer instanceof SharedArrayBuffer
}
