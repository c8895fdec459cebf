import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** A stream of server-sent events that is read as it comes. */
export interface OpenStream {
  status: number
  headers: Headers
  /** Waits until so many events have come, or the stream has ended. */
  events(count: number): Promise<EventSourceMessage[]>
  /** Waits until what has come is enough, or the stream has ended. */
  until(isEnough: (seen: readonly EventSourceMessage[]) => boolean): Promise<EventSourceMessage[]>
  comments: string[]
  /** Whether the server has ended it. */
  ended: Promise<void>
  leave(): void
}

/** Asks for a stream, and reads it. */
export async function openStream(
  url: string,
  { token, lastEventId }: { token: string; lastEventId?: string | undefined },
): Promise<OpenStream> {
  const leaving = new AbortController()
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
    signal: leaving.signal,
  })
  const seen: EventSourceMessage[] = []
  const comments: string[] = []
  let wake = () => {}
  let isOver = false
  const parser = createParser({
    onEvent: (event) => seen.push(event),
    onComment: (comment) => comments.push(comment),
  })
  const ended = (async () => {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of answer.body ?? []) {
        parser.feed(decoder.decode(chunk, { stream: true }))
        wake()
      }
    } catch (error) {
      if (!leaving.signal.aborted) throw error
    } finally {
      isOver = true
      wake()
    }
  })()
  ended.catch(() => {})
  async function until(isEnough: (seen: readonly EventSourceMessage[]) => boolean) {
    while (!isEnough(seen) && !isOver) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return seen
  }
  return {
    status: answer.status,
    headers: answer.headers,
    comments,
    ended,
    events: (count) => until(() => seen.length >= count),
    until,
    leave: () => leaving.abort(),
  }
}
