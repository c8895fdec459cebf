import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { ErrorCode } from '../../domain/error-codes.ts'
import { AppError, type ErrorFacts } from '../../domain/errors.ts'
import { type Block, fillBlock } from '../../ports/block.ts'
import type { SourceBody, SourcePosition } from '../../ports/source.ts'
import { stepBack } from '../threads/step-back.ts'
import { createOwnEndpoints, type OwnEndpoint } from './own-endpoints.ts'
import { openHttpSource } from './source-http.ts'
import type { SourceLimits } from './source-limits.ts'
import { type AllowedSource, createSourcePolicy } from './source-policy.ts'

/** With what the thread is started. */
export interface SourceThreadSettings {
  allowed: readonly AllowedSource[]
  limits: Partial<SourceLimits>
  version: string
}

/** What the thread is asked to read, and where it sends that. Closing the port ends the reading. */
export interface ReadQuestion {
  url: string
  sizeInBytes: number | undefined
  from: SourcePosition | undefined
  /** How long ago the reading of the file began: clocks of threads begin at different times. */
  sinceMs: number
  own: readonly OwnEndpoint[]
  port: MessagePort
}

/** What the thread sends: the answer, each block that it has filled, and the end or a failure; then it lets go of all others. */
export type SourceMessage =
  | { answer: Pick<SourceBody, 'start' | 'etag' | 'sizeInBytes'> }
  | { filledBytes: number }
  | { end: true }
  | { failure: SourceFailure }

/** What the thread is given: memory to fill, in this order. */
export type LentBlock = { block: Block }

/** An `AppError` on its way between threads. */
export interface SourceFailure extends Pick<ErrorFacts, 'errorDetail' | 'mayRecover' | 'retryAfterSeconds'> {
  code: ErrorCode
  message: string
}

/** How long a byte lies in a block that does not become full. */
const FILL_MS_MAX = 200

const { allowed, limits, version } = workerData as SourceThreadSettings
let own = createOwnEndpoints()
const source = openHttpSource({
  policy: createSourcePolicy(allowed, { includes: (address, port) => own.includes(address, port) }),
  limits,
  version,
})

stepBack()
parentPort?.on('message', (question: ReadQuestion) => {
  own = createOwnEndpoints(question.own)
  void read(question)
})

async function read({ url, sizeInBytes, from, sinceMs, port }: ReadQuestion): Promise<void> {
  const controller = new AbortController()
  const { signal } = controller
  const outbox = openOutbox(port)
  port.on('close', () => {
    controller.abort()
    outbox.close()
  })
  try {
    const beganAt = performance.now() - sinceMs
    await using body = await source.open(new URL(url), { sizeInBytes, signal, beganAt, ...(from && { from }) })
    outbox.send({ answer: { start: body.start, etag: body.etag, sizeInBytes: body.sizeInBytes } })
    for await (const chunk of body) await outbox.put(chunk)
    outbox.send({ end: true })
  } catch (error) {
    // Whoever closed the port does not wait for a reason. Anything else is a mistake of this program, and ends it.
    if (signal.aborted) return
    if (!(error instanceof AppError)) throw error
    outbox.send({ failure: failureOf(error) })
  }
}

function failureOf({ code, message, errorDetail, mayRecover, retryAfterSeconds }: AppError): SourceFailure {
  return {
    code,
    message,
    mayRecover,
    ...(errorDetail !== undefined && { errorDetail }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  }
}

/** Gathers chunks in the blocks that are lent, and sends these back. */
function openOutbox(port: MessagePort): {
  /** Copies a chunk. Resolves when there is room for more. */
  put(chunk: Uint8Array): Promise<void>
  /** Sends a message, after all that was put. */
  send(message: SourceMessage): void
  /** Nobody takes anything any more. */
  close(): void
} {
  const lent: Block[] = []
  let filled = 0
  let sending: NodeJS.Timeout | undefined
  let room: PromiseWithResolvers<void> | undefined
  let isClosed = false

  port.on('message', ({ block }: LentBlock) => {
    lent.push(block)
    letIn()
  })

  function letIn(): void {
    room?.resolve()
    room = undefined
  }
  function flush(): void {
    clearTimeout(sending)
    sending = undefined
    if (filled === 0) return
    lent.shift()
    port.postMessage({ filledBytes: filled } satisfies SourceMessage)
    filled = 0
  }

  return {
    async put(chunk) {
      for (let gathered = 0; gathered < chunk.length && !isClosed; ) {
        const [block] = lent
        if (block === undefined) {
          room = Promise.withResolvers()
          await room.promise
          continue
        }
        const copied = fillBlock(block, filled, chunk, gathered)
        filled += copied
        gathered += copied
        if (filled === block.length) flush()
        else sending ??= setTimeout(flush, FILL_MS_MAX)
      }
    },
    send(message) {
      flush()
      port.postMessage(message)
    },
    close() {
      isClosed = true
      clearTimeout(sending)
      letIn()
    },
  }
}
