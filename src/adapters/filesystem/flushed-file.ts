import type { FileHandle } from 'node:fs/promises'
import { isBlock } from '../../ports/block.ts'
import type { FileWrites } from './file-writes.ts'

const FLUSH_EVERY_BYTES = 16 * 1024 * 1024

/** Early flushes take one thread at a time: Node's pool has four, and everything else needs them too. */
let earlyFlushRuns = false

/**
 * Writes a file from start to end and has it on the disk when it ends. The disk begins its work early, so that little is left to
 * wait for at the end. Wants large chunks: each is a journey to another thread, which is that of `writes` for blocks and one of Node's pool
 * for what is not.
 *
 * Not more than one call at a time. What fails in the background rejects `finish`.
 */
export class FlushedFile {
  readonly #handle: FileHandle
  readonly #writes: FileWrites | undefined
  #unflushed = 0
  #flushing: Promise<void> = Promise.resolve()

  constructor(handle: FileHandle, writes?: FileWrites) {
    this.#handle = handle
    this.#writes = writes
  }

  /** Takes the bytes; the caller may reuse the chunk when the promise has resolved. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#writes !== undefined && isBlock(chunk)) await this.#writes.write(this.#handle.fd, chunk)
    else await this.#writeByPool(chunk)
    this.#unflushed += chunk.length
    if (this.#unflushed >= FLUSH_EVERY_BYTES) this.#flushEarly()
  }

  /** Waits until the disk has everything (unless told not to `flush`), and closes the file. */
  async finish({ flush = true }: { flush?: boolean } = {}): Promise<void> {
    await this.#flushing
    if (flush) await this.#handle.sync()
    await this.#handle.close()
  }

  /** Gives the file up. Harmless after `finish`. */
  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #writeByPool(chunk: Uint8Array): Promise<void> {
    // The kernel may take less than it was given.
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, written)
      written += bytesWritten
    }
  }

  #flushEarly(): void {
    if (earlyFlushRuns) return
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
