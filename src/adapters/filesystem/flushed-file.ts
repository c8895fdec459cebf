import type { FileHandle } from 'node:fs/promises'
import { isBlock } from '../../ports/block.ts'
import type { BlockFile } from './block-file.ts'

const FLUSH_EVERY_BYTES = 16 * 1024 * 1024

/** Early flushes take one thread at a time: Node's pool has four, and everything else needs them too. */
let earlyFlushRuns = false

/**
 * Writes a file from start to end and has it on the disk when it ends. The disk begins its work early, so that little is left to
 * wait for at the end. Wants large chunks: each is a journey to another thread, which is that of `blocks` for blocks and one of Node's pool
 * for what is none.
 *
 * Not more than one call at a time. What fails in the background rejects `finish`.
 */
export class FlushedFile {
  readonly #handle: FileHandle
  readonly #blocks: BlockFile | undefined
  #position: number
  #unflushed = 0
  #flushing: Promise<void> = Promise.resolve()

  /** Goes on at the end of an open file, which has `keptBytes`. */
  constructor(
    handle: FileHandle,
    { keptBytes = 0, blocks }: { keptBytes?: number; blocks?: BlockFile | undefined } = {},
  ) {
    this.#handle = handle
    this.#position = keptBytes
    this.#blocks = blocks
  }

  /** Takes the bytes; the caller may reuse the chunk when the promise has resolved. */
  async write(chunk: Uint8Array): Promise<void> {
    const isForThread = this.#blocks !== undefined && isBlock(chunk)
    this.#unflushed += isForThread ? await this.#blocks.write(chunk, this.#position) : await this.#writeByPool(chunk)
    this.#position += chunk.length
    if (this.#unflushed >= FLUSH_EVERY_BYTES) this.#flushEarly()
  }

  /** Waits until the disk has everything (unless told not to `flush`), and closes the file. */
  async finish({ flush = true }: { flush?: boolean } = {}): Promise<void> {
    await this.#flushing
    if (flush) await this.#handle.sync()
    await this.close()
  }

  /** Gives the file up. Harmless after `finish`. */
  async close(): Promise<void> {
    await this.#blocks?.close()
    await this.#handle.close()
  }

  async #writeByPool(chunk: Uint8Array): Promise<number> {
    // The kernel may take less than it was given.
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, written, null, this.#position + written)
      written += bytesWritten
    }
    return chunk.length
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
