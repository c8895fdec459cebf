import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { AppError } from '../../domain/errors.ts'
import { type Block, returnBlock, takeBlock } from '../../ports/block.ts'
import { programBeside, startThread } from '../threads/start-thread.ts'
import type { OwnEndpoints } from './own-endpoints.ts'
import { nameOf } from './source-failure.ts'
import type { HttpSource } from './source-http.ts'
import type { LentBlock, ReadQuestion, SourceMessage, SourceThreadSettings } from './source-thread.ts'

const PROGRAM = programBeside(import.meta.url, 'source-thread')

/** Of the JavaScript heap only: what comes from sources lies beside it. */
const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

/**
 * Fetches as `openHttpSource` does, but in a thread: each GiB is sixteen thousand events, for which requests would have to wait. The
 * thread is started when it is first needed, and anew after it died; what it was reading then fails and may be asked for again.
 */
export function openThreadedSource({ own, ...settings }: SourceThreadSettings & { own: OwnEndpoints }): HttpSource {
  let thread: Worker | undefined
  let isClosed = false
  /** Why a thread died. */
  const causes = new WeakMap<Worker, unknown>()

  function running(): Worker {
    if (thread !== undefined) return thread
    const started = startThread(PROGRAM, { data: settings satisfies SourceThreadSettings, heap: HEAP })
    // One for each reading.
    started.setMaxListeners(0)
    started.on('error', (error) => {
      causes.set(started, error)
    })
    started.on('exit', () => {
      if (thread === started) thread = undefined
    })
    thread = started
    return started
  }

  return {
    async open(url, { sizeInBytes, signal, from, beganAt = performance.now() }) {
      signal.throwIfAborted()
      if (isClosed) throw ended(url, undefined)
      const { port1, port2 } = new MessageChannel()
      const worker = running()
      const inbox = openInbox(port1, { signal, worker, deathOf: () => ended(url, causes.get(worker)) })
      const sinceMs = performance.now() - beganAt
      const question = { url: url.href, sizeInBytes, from, sinceMs, own: own.all(), port: port2 }
      worker.postMessage(question satisfies ReadQuestion, [port2])
      try {
        const message = await inbox.next()
        if (!('answer' in message)) throw new Error('The thread that reads sources sends before it answers.')
        return Object.assign(readBlocks(inbox), message.answer, { [Symbol.asyncDispose]: async () => inbox.close() })
      } catch (error) {
        inbox.close()
        throw error
      }
    },

    async close() {
      isClosed = true
      await thread?.terminate()
    },
  }
}

async function* readBlocks(inbox: Inbox): AsyncGenerator<Block> {
  // In the order in which they were lent, which is that in which they are filled.
  const lent: Block[] = []
  const lend = () => {
    const block = takeBlock()
    lent.push(block)
    inbox.lend(block)
  }
  try {
    for (lend(); ; ) {
      // While whoever reads has the last one, the thread has one to fill; now it may have two.
      lend()
      const message = await inbox.next()
      if (!('filledBytes' in message)) break
      const block = lent.shift()
      if (block !== undefined) yield block.subarray(0, message.filledBytes)
    }
    // After the end the thread fills no more. After a failure, or without an end, the collector takes them.
    for (const block of lent) returnBlock(block)
  } finally {
    inbox.close()
  }
}

/** What the thread sends of one reading. */
interface Inbox {
  /** Throws what the thread failed with, or with the reason of the signal. */
  next(): Promise<SourceMessage>
  /** Memory to fill. It is the thread's until it comes back. */
  lend(block: Block): void
  close(): void
}

function openInbox(
  port: MessagePort,
  { signal, worker, deathOf }: { signal: AbortSignal; worker: Worker; deathOf: () => Error },
): Inbox {
  const messages: SourceMessage[] = []
  let waiting: PromiseWithResolvers<void> | undefined
  let failure: { error: unknown } | undefined

  function wake(): void {
    waiting?.resolve()
    waiting = undefined
  }
  function fail(error: unknown): void {
    failure ??= { error }
    wake()
  }
  const abort = () => {
    fail(signal.reason)
    // Now, not only when whoever reads asks for more.
    port.close()
  }
  const die = () => fail(deathOf())

  signal.addEventListener('abort', abort)
  worker.on('exit', die)
  port.on('message', (message: SourceMessage) => {
    messages.push(message)
    wake()
  })

  return {
    async next() {
      for (;;) {
        signal.throwIfAborted()
        const message = messages.shift()
        if (message !== undefined) {
          if (!('failure' in message)) return message
          const { code, message: sentence, ...facts } = message.failure
          throw new AppError(code, sentence, facts)
        }
        if (failure !== undefined) throw failure.error
        waiting ??= Promise.withResolvers()
        await waiting.promise
      }
    },
    lend: (block) => port.postMessage({ block } satisfies LentBlock),
    close() {
      signal.removeEventListener('abort', abort)
      worker.off('exit', die)
      port.close()
    },
  }
}

function ended(url: URL, cause: unknown): AppError {
  return new AppError('SourceTruncated', `${nameOf(url)}: the thread that reads sources has ended. Try again.`, {
    mayRecover: true,
    cause,
  })
}
