import { dirname } from 'node:path'
import { openOrderedThread } from '../threads/ordered-thread.ts'
import { programBeside } from '../threads/start-thread.ts'
import { type BlockFile, openBlockFile, takesDirectWrites } from './block-file.ts'
import { errorOf, type FileFault } from './file-fault.ts'
import type { FileWrite } from './file-writes-thread.ts'

const PROGRAM = programBeside(import.meta.url, 'file-writes-thread')

const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 }

/** Writes blocks to files. */
export interface FileWrites {
  /** Begins with a file that is open, at `path`. */
  open(descriptor: number, path: string): BlockFile
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
  /** Whether the files of a folder may be written to past the page cache. */
  const directFolders = new Map<string, Promise<boolean>>()

  function mayBeDirect(folder: string): Promise<boolean> {
    const known = directFolders.get(folder) ?? takesDirectWrites(folder)
    directFolders.set(folder, known)
    return known
  }

  async function write(asked: FileWrite): Promise<void> {
    const fault = await thread.ask(asked)
    if (fault !== undefined) throw errorOf(fault)
  }

  return {
    open(descriptor, path) {
      const folder = dirname(path)
      return openBlockFile(descriptor, path, {
        write,
        mayBeDirect: () => mayBeDirect(folder),
        refused: () => directFolders.set(folder, Promise.resolve(false)),
      })
    },
    close: () => thread.end(),
  }
}
