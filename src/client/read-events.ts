import { type EventSourceMessage, EventSourceParserStream } from 'eventsource-parser/stream'
import { ApiError } from './api-error.ts'
import { pause } from './pause.ts'

const PAUSE_MIN_MS = 1000
const PAUSE_MAX_MS = 30_000

export interface ReadingEvents {
  /** Ends the reading, without an error. */
  signal?: AbortSignal | undefined
  /** How long it is tried to get the stream back, before the last failure is thrown. Five minutes unless told. */
  giveUpMs?: number
  /** Hears each time that the stream is lost or not to be had; it is tried again. */
  onTrouble?: ((error: Error) => void) | undefined
}

/**
 * Reads server-sent events by `fetch`, which can send a token, in Node and in browsers. A stream that ends or breaks
 * off is opened again, from where it was if its events have ids. Whoever has read the last event leaves the iteration.
 * Throws `ApiError` for an answer that waiting does not mend, such as 401 when the token has expired.
 */
export async function* readEvents(
  open: (lastEventId: string | undefined, signal: AbortSignal | undefined) => Promise<Response>,
  {
    signal,
    giveUpMs = 300_000,
    onTrouble,
    lastEventId,
  }: ReadingEvents & {
    /** Of the event that was read last. */
    lastEventId?: string | undefined
  } = {},
): AsyncGenerator<EventSourceMessage> {
  let last = lastEventId
  const onId = (id: string) => {
    last = id
  }
  let failures = 0
  let workedAt = performance.now()
  while (signal?.aborted !== true) {
    try {
      const { body } = await open(last, signal)
      if (body === null) throw new Error('The server sent no stream.')
      const reader = body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ onId }))
        .getReader()
      try {
        for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
          failures = 0
          workedAt = performance.now()
          yield value as EventSourceMessage
        }
      } finally {
        // Whoever leaves early wants no more.
        reader.cancel().catch(() => {})
      }
    } catch (error) {
      if (signal?.aborted) return
      if (!mayRecover(error) || performance.now() - workedAt > giveUpMs) throw error
      onTrouble?.(error as Error)
    }
    await pause(Math.min(PAUSE_MIN_MS * 2 ** failures, PAUSE_MAX_MS) * (0.5 + Math.random() / 2), signal)
    failures += 1
  }
}

function mayRecover(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 429 || error.status >= 500
}
