import { Readable } from 'node:stream'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'

/** One event of a stream (HTML standard, server-sent events). */
export interface ServerEvent {
  event: string
  /** What a client that lost the stream names to go on behind it. Has no line breaks. */
  id?: string
  /** JSON text: it has no line breaks either. */
  data: string
}

/**
 * What a stream tells, asked for only when the client has taken the last: what comes meanwhile is not kept for it.
 * While there is nothing to tell it answers undefined now and then, at least every `IDLE_MS`. The stream ends with it,
 * and it with the signal.
 */
export type EventFeed = (signal: AbortSignal) => AsyncIterable<ServerEvent | undefined>

export const IDLE_MS = 1000

export interface StreamLimits {
  /** Streams that are open at the same time. */
  streamsMax: number
  /** Of one subject among them. */
  subjectMax: number
  /** A stream that has been quiet for so long sends a comment, so that nothing on the way takes it for dead. */
  heartbeatMs: number
  /** How often it is looked whether the caller may still read. */
  recheckMs: number
}

export const STREAM_LIMITS: StreamLimits = { streamsMax: 500, subjectMax: 100, heartbeatMs: 15_000, recheckMs: 5000 }

/** What a client that lost the stream waits before it asks again. */
const RETRY_MS = 2000
/** When a place may be free again, nobody knows. */
const FULL_RETRY_SECONDS = 10

export interface EventStreams {
  /**
   * Opens a stream. It ends when its feed does, when the client goes away, when the caller may no longer read, and when
   * the server stops. Throws `AppError('TooManyRequests')` where the caller has as many as a subject may, and
   * `AppError('Unavailable')` where all are taken or the server stops.
   */
  open(feed: EventFeed, stream: { caller: Caller; isStillAllowed: () => Promise<boolean> }): Readable
  count(): number
  /** Ends all of them, and opens no more. */
  close(): void
}

export function createEventStreams(someLimits: Partial<StreamLimits> = {}): EventStreams {
  const limits = { ...STREAM_LIMITS, ...someLimits }
  const closing = new AbortController()
  const bySubject = new Map<string, number>()
  let open = 0

  function enter(subject: string): void {
    if (closing.signal.aborted) throw new AppError('Unavailable', 'The server is stopping.')
    const ofSubject = bySubject.get(subject) ?? 0
    const facts = { retryAfterSeconds: FULL_RETRY_SECONDS }
    if (ofSubject >= limits.subjectMax) {
      throw new AppError('TooManyRequests', `You have ${ofSubject} event streams open; close some of them.`, facts)
    }
    if (open >= limits.streamsMax) {
      throw new AppError('Unavailable', `All ${limits.streamsMax} event streams of this server are taken.`, facts)
    }
    bySubject.set(subject, ofSubject + 1)
    open += 1
  }

  function leave(subject: string): void {
    open -= 1
    const left = (bySubject.get(subject) ?? 1) - 1
    if (left === 0) bySubject.delete(subject)
    else bySubject.set(subject, left)
  }

  async function* textOf(feed: EventFeed, signal: AbortSignal, isStillAllowed: () => Promise<boolean>) {
    yield `retry: ${RETRY_MS}\n\n`
    let heartbeatAt = performance.now() + limits.heartbeatMs
    let recheckAt = performance.now() + limits.recheckMs
    for await (const event of feed(signal)) {
      if (signal.aborted) return
      const now = performance.now()
      if (now >= recheckAt) {
        if (!(await isStillAllowed())) return
        recheckAt = now + limits.recheckMs
      }
      if (event === undefined && now < heartbeatAt) continue
      yield event === undefined ? ': still here\n\n' : textOfEvent(event)
      heartbeatAt = performance.now() + limits.heartbeatMs
    }
  }

  return {
    open(feed, { caller, isStillAllowed }) {
      const subject = JSON.stringify([caller.issuer, caller.subject])
      enter(subject)
      const gone = new AbortController()
      const signal = AbortSignal.any([gone.signal, closing.signal])
      const texts = textOf(feed, signal, isStillAllowed)
      return new Readable({
        // One event at a time: more would be kept for a client that does not read.
        highWaterMark: 1,
        read() {
          texts.next().then(
            ({ value }) => this.push(value ?? null),
            (error) => this.destroy(error),
          )
        },
        destroy(error, callback) {
          gone.abort()
          leave(subject)
          callback(error)
        },
      })
    },
    count: () => open,
    close: () => closing.abort(),
  }
}

function textOfEvent({ event, id, data }: ServerEvent): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
