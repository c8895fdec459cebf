import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { AppError } from '../../domain/errors.ts'
import type { Connection, Outcome, Write } from './connection-sqlite.ts'
import type { WriterRequest } from './writer-thread.ts'

const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js', import.meta.url)

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
 * wait for the disk share the next commit. The thread is made for the first write, and made anew for the first one after it died; what
 * waits when it dies fails with `DatabaseFailed`, and may have happened or not.
 */
export function writeInThread(path: string): Writer {
  let thread: WriterThread | undefined
  let isClosed = false
  return {
    async write(write) {
      if (isClosed) throw new Error('The database is closed.')
      thread ??= startThread(path, () => {
        thread = undefined
      })
      return thread.write(write)
    },
    async close() {
      isClosed = true
      await thread?.end()
    },
  }
}

interface WriterThread {
  write(write: Write): Promise<Outcome>
  end(): Promise<void>
}

function startThread(path: string, onExit: () => void): WriterThread {
  const worker = new Worker(PROGRAM, { workerData: path, resourceLimits: HEAP, env: withCompileCache() })
  // An idle thread must not keep the process alive; one that has something to do must.
  worker.unref()
  const waiting: PromiseWithResolvers<Outcome>[] = []
  let cause: unknown

  worker.on('message', (outcomes: Outcome[]) => {
    for (const outcome of outcomes) waiting.shift()?.resolve(outcome)
    if (waiting.length === 0) worker.unref()
  })
  worker.on('error', (error) => {
    cause = error
  })
  worker.on('exit', () => {
    onExit()
    const error = new AppError('DatabaseFailed', 'The database cannot be used: the thread that writes has ended.', {
      mayRecover: true,
      cause,
    })
    for (const { reject } of waiting.splice(0)) reject(error)
  })

  const send = (request: WriterRequest) => worker.postMessage(request)
  return {
    write(write) {
      send(write)
      if (waiting.length === 0) worker.ref()
      const asked = Promise.withResolvers<Outcome>()
      waiting.push(asked)
      return asked.promise
    },
    async end() {
      worker.ref()
      send('end')
      await once(worker, 'exit')
    },
  }
}

/** A thread does not take the compile cache of its process over by itself. With it, it starts in half the time and needs 25 MB less. */
function withCompileCache(): NodeJS.ProcessEnv {
  // Named with the version of Node, which is added to it again.
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}
