import type { Block } from '../../ports/block.ts'
import { openOrderedThread } from '../threads/ordered-thread.ts'
import { programBeside } from '../threads/start-thread.ts'
import { errorOf, type FileFault } from './file-fault.ts'
import type { FileWrite } from './file-writes-thread.ts'

const PROGRAM = programBeside(import.meta.url, 'file-writes-thread')

const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 }

/** Writes blocks to files. */
export interface FileWrites {
  /** To the end of an open file. Throws an error with the `code` of the operating system. */
  write(descriptor: number, block: Block): Promise<void>
  /** Resolves when all that was called is done. */
  close(): Promise<void>
}

/**
 * Writes in a thread of its own that steps back behind others. Node's pool has four, which a few large files would keep busy all together, and
 * whoever answers requests would find both the pool and the processor taken.
 */
export function openFileWrites(): FileWrites {
  const thread = openOrderedThread<FileWrite, FileFault | undefined>(PROGRAM, {
    heap: HEAP,
    deathOf: (cause) => new Error('The thread that writes files has ended.', { cause }),
  })
  return {
    async write(descriptor, block) {
      const fault = await thread.ask({ descriptor, block })
      if (fault !== undefined) throw errorOf(fault)
    },
    close: () => thread.end(),
  }
}
