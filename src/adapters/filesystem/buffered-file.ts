import type { FileHandle } from 'node:fs/promises'

const MiB = 1024 * 1024
const BUFFER_BYTES = MiB
const FLUSH_EVERY_BYTES = 16 * MiB

/** Early flushes take one thread at a time: Node's pool has four, and everything else needs them too. */
let earlyFlushRuns = false

/**
 * Writes a file from start to end, fast. Small chunks are gathered in one buffer while the other is on its way to the
 * disk, and the disk begins its work early, so that little is left to wait for at the end. Measured with 1 GiB in
 * chunks of 64 KiB, hashed on the way: one write per chunk 2.5 s, gathered 1.3 s, two buffers 1.2 s, with early
 * flushes 0.7 s.
 *
 * Not more than one call at a time. What fails in the background rejects a later `write`, and always `finish`.
 */
export class BufferedFile {
  readonly #handle: FileHandle
  #filling: Uint8Array
  #spare: Uint8Array | undefined
  #filled = 0
  #unflushed = 0
  #writing: Promise<void> = Promise.resolve()
  #flushing: Promise<void> = Promise.resolve()

  /** `expectedBytes` only keeps the buffers of small files small. */
  constructor(handle: FileHandle, expectedBytes: number) {
    this.#handle = handle
    this.#filling = newBuffer(expectedBytes)
  }

  /** Takes the bytes; the caller may reuse the chunk when the promise has resolved. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      if (this.#filled === this.#filling.length) await this.#writeOut()
      const part = chunk.subarray(taken, taken + this.#filling.length - this.#filled)
      this.#filling.set(part, this.#filled)
      this.#filled += part.length
      taken += part.length
    }
  }

  /** Writes the rest, waits until the disk has everything, and closes the file. */
  async finish(): Promise<void> {
    await this.#writing
    await writeAll(this.#handle, this.#filling.subarray(0, this.#filled))
    await this.#flushing
    await this.#handle.sync()
    await this.#handle.close()
  }

  /** Gives the file up. Harmless after `finish`. */
  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #writeOut(): Promise<void> {
    await this.#writing
    this.#flushEarly()
    const full = this.#filling
    this.#writing = writeAll(this.#handle, full.subarray(0, this.#filled))
    // Whoever awaits `#writing` next gets the error; without this line Node would end the process before.
    this.#writing.catch(() => {})
    this.#unflushed += this.#filled
    this.#filling = this.#spare ?? newBuffer(BUFFER_BYTES)
    this.#spare = full
    this.#filled = 0
  }

  #flushEarly(): void {
    if (this.#unflushed < FLUSH_EVERY_BYTES || earlyFlushRuns) return
    earlyFlushRuns = true
    this.#unflushed = 0
    // Chained, because the kernel reports a failed flush only once: it must not be forgotten over the next.
    this.#flushing = this.#flushing
      .then(() => this.#handle.datasync())
      .finally(() => {
        earlyFlushRuns = false
      })
    this.#flushing.catch(() => {})
  }
}

function newBuffer(expectedBytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(Math.min(Math.max(expectedBytes, 1), BUFFER_BYTES))
}

/** The kernel may take less than it was given. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written)
    written += bytesWritten
  }
}
