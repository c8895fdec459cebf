/** Memory for the bytes of a part. Disposing of it gives it back. */
export interface PartBuffer extends Disposable {
  readonly bytes: Uint8Array
}

/** A bounded number of buffers of at most `sizeInBytes`: whoever wants one more waits for its turn. */
export interface PartBuffers {
  /** A buffer that has room for `bytesMax`, or is as large as any. */
  take(bytesMax: number): Promise<PartBuffer>
  /** Whether somebody waits for one. */
  isWanted(): boolean
}

export function createPartBuffers({ count, sizeInBytes }: { count: number; sizeInBytes: number }): PartBuffers {
  let free = count
  const waiting: (() => void)[] = []

  return {
    isWanted: () => waiting.length > 0,
    async take(bytesMax) {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      const memory = new ArrayBuffer(Math.min(sizeInBytes, bytesMax))
      let isTaken = true
      return {
        bytes: new Uint8Array(memory),
        [Symbol.dispose]() {
          if (!isTaken) return
          isTaken = false
          // Given back at once: left to the garbage collector, it would stay for long.
          memory.transfer(0)
          const next = waiting.shift()
          if (next === undefined) free += 1
          else next()
        },
      }
    },
  }
}
