import { AppError } from '../../domain/errors.ts'
import { openOrderedThread } from '../threads/ordered-thread.ts'
import { programBeside } from '../threads/start-thread.ts'
import type { Connection, Outcome, Write } from './connection-sqlite.ts'

const PROGRAM = programBeside(import.meta.url, 'writer-thread')

/** Room for a group of writes and the largest batch there is, an import of eleven manifests of one MiB, several times. */
const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 }

/** Runs writes in the order in which they were called. */
export interface Writer {
  /** Resolves when the write is on disk, or has come to nothing. */
  write(write: Write): Promise<Outcome>
  /** Resolves when all that was called is done. Nothing can be written afterwards. */
  close(): Promise<void>
}

/** Writes on the connection that the caller reads by. */
export function writeHere(connection: Connection): Writer {
  return {
    async write(write) {
      const [outcome] = connection.write([write])
      return outcome as Outcome
    },
    async close() {},
  }
}

/**
 * Writes on a connection of its own in a thread of its own, so that nothing else waits for the disk. Writes that come in while others
 * wait for the disk share the next commit. What waits when the thread dies fails with `DatabaseFailed`, and may have happened or not.
 */
export function writeInThread(path: string): Writer {
  const thread = openOrderedThread<Write, Outcome>(PROGRAM, {
    data: path,
    heap: HEAP,
    deathOf: (cause) =>
      new AppError('DatabaseFailed', 'The database cannot be used: the thread that writes has ended.', {
        mayRecover: true,
        cause,
      }),
  })
  let isClosed = false
  return {
    async write(write) {
      if (isClosed) throw new Error('The database is closed.')
      return await thread.ask(write)
    },
    async close() {
      isClosed = true
      await thread.end()
    },
  }
}
