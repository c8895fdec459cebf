import { AppError } from '../../domain/errors.ts'
import { openOrderedThread } from '../threads/ordered-thread.ts'
import { programBeside } from '../threads/start-thread.ts'
import { errorOf, type FileFault } from './file-fault.ts'
import type { SmallBlob } from './small-blobs-thread.ts'

const PROGRAM = programBeside(import.meta.url, 'small-blobs-thread')

/** Nothing of size is kept in its heap: the bytes are outside of it. */
const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 }

/** A blob up to this size is held in memory while it comes, and kept in one go. */
export const SMALL_BYTES_MAX = 256 * 1024

/** Keeps blobs whole that are small. */
export interface SmallBlobs {
  /**
   * Writes, flushes and moves the file of a blob; it takes the bytes for its own. Throws `AppError('StoreFull')`, or an error with the
   * `code` of the operating system; then `partial` is gone.
   */
  keep(blob: SmallBlob): Promise<void>
  /** Resolves when all that was called is done. */
  close(): Promise<void>
}

/**
 * Keeps small blobs in a thread of its own: a file needs eight calls, and the way to Node's pool of threads and back costs more than
 * each of them (measured, see decision 10).
 */
export function openSmallBlobs(): SmallBlobs {
  const thread = openOrderedThread<SmallBlob, FileFault | undefined>(PROGRAM, {
    heap: HEAP,
    deathOf: (cause) => new Error('The thread that writes small files has ended.', { cause }),
  })
  return {
    async keep(blob) {
      const fault = await thread.ask(blob, [blob.bytes.buffer])
      if (fault === undefined) return
      const { code, message } = fault
      throw code === 'StoreFull' ? new AppError(code, message, { target: blob.name }) : errorOf(fault)
    },
    close: () => thread.end(),
  }
}
