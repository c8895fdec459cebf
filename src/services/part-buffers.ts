/** Memory for the bytes of a part. Disposing of it gives it back. */
export interface PartBuffer extends Disposable {
  readonly bytes: Uint8Array
}

/** A bounded number of buffers of `sizeInBytes`: whoever wants one more waits for its turn. */
export function createPartBuffers({ count, sizeInBytes }: { count: number; sizeInBytes: number }): {
  take(): Promise<PartBuffer>
} {
  let free = count
  const waiting: ((memory: ArrayBuffer) => void)[] = []

  function give(memory: ArrayBuffer): void {
    const next = waiting.shift()
    if (next === undefined) {
      free += 1
      // Given back at once: left to the garbage collector, it would stay for long.
      memory.transfer(0)
    } else next(memory)
  }

  function bufferIn(memory: ArrayBuffer): PartBuffer {
    let isMine = true
    return {
      bytes: new Uint8Array(memory),
      [Symbol.dispose]() {
        if (isMine) give(memory)
        isMine = false
      },
    }
  }

  return {
    async take() {
      if (free > 0) {
        free -= 1
        return bufferIn(new ArrayBuffer(sizeInBytes))
      }
      return bufferIn(await new Promise<ArrayBuffer>((resolve) => waiting.push(resolve)))
    },
  }
}

export type PartBuffers = ReturnType<typeof createPartBuffers>
