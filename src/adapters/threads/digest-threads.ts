import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Digest, StartDigest } from '../../ports/digest.ts'
import type { DigestAnswer, DigestRequest } from './digest-thread.ts'

const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './digest-thread.ts' : './digest-thread.js', import.meta.url)

/** One core moves bytes, the others may hash them; more than four would outrun every disk. */
const THREADS_MAX = Math.min(Math.max(availableParallelism() - 1, 1), 4)

/** Nothing of size is kept in their heaps. */
const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 }

export interface DigestThreads {
  start: StartDigest
  /** Ends the threads. Digests that are not finished fail. */
  close(): Promise<void>
}

/** Hashes in threads of their own, so that the main thread only moves bytes. Threads are made when they are first needed. */
export function openDigestThreads(): DigestThreads {
  const threads: DigestThread[] = []
  let begun = 0
  let isClosed = false

  /** The thread with the least to do. */
  function idlest(): DigestThread {
    const [first] = [...threads].sort((one, other) => one.digests() - other.digests())
    if (first !== undefined && (first.digests() === 0 || threads.length === THREADS_MAX)) return first
    const thread = startThread(() => threads.splice(threads.indexOf(thread), 1))
    threads.push(thread)
    return thread
  }

  return {
    start(algorithms) {
      if (isClosed) throw new Error('The threads that hash have ended.')
      begun += 1
      return idlest().begin(begun, algorithms)
    },
    async close() {
      isClosed = true
      await Promise.all(threads.map((thread) => thread.end()))
    },
  }
}

interface DigestThread {
  begin(id: number, algorithms: readonly string[]): Digest
  digests(): number
  end(): Promise<void>
}

interface Waiting {
  resolve(answer: DigestAnswer): void
  reject(error: Error): void
}

function startThread(onEnd: () => void): DigestThread {
  const worker = new Worker(PROGRAM, { resourceLimits: HEAP })
  // An idle thread must not keep the process alive.
  worker.unref()
  const begun = new Set<number>()
  /** Of each digest, in the order in which it was asked. */
  const waiting = new Map<number, Waiting[]>()
  let failure: Error | undefined

  function fail(error: Error): void {
    if (failure !== undefined) return
    failure = error
    onEnd()
    for (const { reject } of [...waiting.values()].flat()) reject(error)
    waiting.clear()
  }
  worker.on('message', (answer: DigestAnswer) => {
    waiting.get(answer.id)?.shift()?.resolve(answer)
  })
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))))
  worker.on('exit', () => fail(new Error('The thread that hashes has ended.')))

  const send = (request: DigestRequest) => worker.postMessage(request)
  function ask(request: DigestRequest): Promise<DigestAnswer> {
    if (failure !== undefined) return Promise.reject(failure)
    return new Promise((resolve, reject) => {
      waiting.get(request.id)?.push({ resolve, reject })
      send(request)
    })
  }

  return {
    begin(id, algorithms) {
      begun.add(id)
      waiting.set(id, [])
      send({ id, begin: algorithms })
      return {
        async update(block) {
          await ask({ id, update: block })
        },
        async result() {
          const { result = {} } = await ask({ id, end: true })
          begun.delete(id)
          waiting.delete(id)
          return result
        },
        [Symbol.dispose]() {
          if (!begun.delete(id) || failure !== undefined) return
          waiting.delete(id)
          send({ id, end: true })
        },
      }
    },
    digests: () => begun.size,
    async end() {
      await worker.terminate()
    },
  }
}
