import { availableParallelism } from 'node:os'
import type { Digest, StartDigest } from '../../ports/digest.ts'
import type { DigestAnswer, DigestRequest } from './digest-thread.ts'
import { openOrderedThread } from './ordered-thread.ts'
import { programBeside } from './start-thread.ts'

const PROGRAM = programBeside(import.meta.url, 'digest-thread')

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
    const thread = openDigestThread()
    threads.push(thread)
    return thread
  }

  return {
    start(algorithms) {
      if (isClosed) throw hasEnded()
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

function openDigestThread(): DigestThread {
  const thread = openOrderedThread<DigestRequest, DigestAnswer>(PROGRAM, { heap: HEAP, deathOf: hasEnded })
  const begun = new Set<number>()
  let isEnded = false

  async function ask(request: DigestRequest): Promise<DigestAnswer> {
    if (isEnded) throw hasEnded()
    const answer = await thread.ask(request)
    if (answer.isUnknown) throw hasEnded()
    return answer
  }
  /** What goes wrong with it, whoever asks next is told. */
  const tell = (request: DigestRequest) => void ask(request).catch(() => {})

  return {
    begin(id, algorithms) {
      begun.add(id)
      tell({ id, begin: algorithms })
      return {
        async update(block) {
          await ask({ id, update: block })
        },
        async result() {
          const { result = {} } = await ask({ id, end: true })
          begun.delete(id)
          return result
        },
        [Symbol.dispose]() {
          if (begun.delete(id)) tell({ id, end: true })
        },
      }
    },
    digests: () => begun.size,
    async end() {
      isEnded = true
      await thread.end()
    },
  }
}

function hasEnded(cause?: unknown): Error {
  return new Error('The thread that hashes has ended.', { cause })
}
