import type { Block } from '../../ports/block.ts'

const MiB = 1024 * 1024

/** The least that S3 takes as a part which is not the last one. */
const PART_BYTES_MIN = 5 * MiB

/** Left to the garbage collector, which does not see how large they are, shared buffers would pile up. */
const idle: Block[] = []
const IDLE_MAX = 12
let inUse = 0

/** How large the parts of an object are, so that it has at most `partsMax`: a whole number of MiB. */
export function partBytesOf({ sizeInBytes, partsMax }: { sizeInBytes: number; partsMax: number }): number {
  return Math.max(PART_BYTES_MIN, Math.ceil(sizeInBytes / partsMax / MiB) * MiB)
}

/** Memory for one part, which threads that hash can read too. */
export function takePartBuffer(partBytes: number): Block {
  inUse += 1
  const buffer = partBytes === PART_BYTES_MIN ? idle.pop() : undefined
  return buffer ?? new Uint8Array(new SharedArrayBuffer(partBytes))
}

/** Gives memory back that nobody reads or writes any more. */
export function returnPartBuffer(buffer: Block): void {
  inUse -= 1
  if (buffer.length === PART_BYTES_MIN && idle.length < IDLE_MAX) idle.push(buffer)
}

/** By all writers of this process. */
export function partBuffersInUse(): number {
  return inUse
}
