import { type ClamdAddress, clamdTitle } from './clamd-address.ts'
import { connectClamd } from './clamd-connect.ts'
import type { ClamdTimes } from './clamd-times.ts'

/**
 * A clamd that is there, or why it is not. `session` is another number each time it was away in between: its configuration, and
 * with it everything that was measured, may be another one then.
 */
export type ClamdPresence = { session: number; version: string } | { away: string }

export interface ClamdWatch {
  /** What is known now; undefined before the first try has ended. */
  readonly presence: ClamdPresence | undefined
  /** What is known now; where it is not there, or if `isAnew`, after asking once more. */
  look(options?: { isAnew?: boolean }): Promise<ClamdPresence>
  close(): Promise<void>
}

const REPLY_CHARACTERS_MAX = 4096
const CLOSED = 'The scanner is closed.'

/**
 * Keeps a session open (`IDSESSION`) and asks for the version in it. A session tells at once when clamd ends, which asking now
 * and then would not: it might have come back with other limits in between. `onChange` hears of every change.
 */
export function watchClamd({
  address,
  times,
  onChange,
}: {
  address: ClamdAddress
  times: ClamdTimes
  onChange: (presence: ClamdPresence) => void
}): ClamdWatch {
  const closing = new AbortController()
  let presence: ClamdPresence | undefined
  let sessions = 0
  let tried = Promise.withResolvers<void>()
  let tryNow = () => {}

  function tell(news: ClamdPresence): void {
    const isNews = JSON.stringify(news) !== JSON.stringify(presence)
    presence = news
    if (isNews && !closing.signal.aborted) onChange(news)
    tried.resolve()
    tried = Promise.withResolvers<void>()
  }

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await using session = await openSession({ address, times, signal: closing.signal })
        sessions += 1
        for (;;) {
          tell({ session: sessions, version: await session.version() })
          tryNow = session.hurry
          await session.pause(times.lookEveryMs)
          tryNow = () => {}
        }
      } catch (error) {
        tell({ away: error instanceof Error ? error.message : String(error) })
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, times.retryMs)
        tryNow = () => {
          clearTimeout(timer)
          resolve()
        }
        if (closing.signal.aborted) tryNow()
      })
    }
    tell({ away: CLOSED })
  }

  const watching = watch()
  return {
    get presence() {
      return presence
    },
    async look({ isAnew = false } = {}) {
      if (closing.signal.aborted) return { away: CLOSED }
      if (isAnew || presence === undefined || 'away' in presence) {
        const { promise } = tried
        tryNow()
        await promise
      }
      return presence as ClamdPresence
    },
    async close() {
      closing.abort(new Error(CLOSED))
      tryNow()
      await watching
    },
  }
}

interface Session extends AsyncDisposable {
  version(): Promise<string>
  /** Rejects as soon as the session ends. */
  pause(ms: number): Promise<void>
  /** Ends the pause. */
  hurry(): void
}

async function openSession({
  address,
  times,
  signal,
}: {
  address: ClamdAddress
  times: ClamdTimes
  signal: AbortSignal
}): Promise<Session> {
  const title = clamdTitle(address)
  const socket = await connectClamd({ address, connectMs: times.connectMs, signal })
  let waiting = Promise.withResolvers<string>()
  let lostBy: unknown
  let text = ''

  function lose(reason: unknown): void {
    lostBy ??= reason
    waiting.reject(lostBy)
  }
  const close = () => lose(signal.reason)
  signal.addEventListener('abort', close)
  socket.on('error', () => {})
  socket.on('close', () => lose(new Error(`${title} ended its session: it stopped, or it restarts.`)))
  socket.setEncoding('latin1')
  socket.on('data', (part: string) => {
    text += part
    const length = text.indexOf('\0')
    if (length < 0 && text.length <= REPLY_CHARACTERS_MAX) return
    waiting.resolve(text.slice(0, length))
    text = ''
  })
  socket.write('zIDSESSION\0')

  /** The next reply, or what `late` makes of its absence. */
  async function reply(withinMs: number, late: () => void): Promise<string> {
    waiting = Promise.withResolvers()
    if (lostBy !== undefined) waiting.reject(lostBy)
    const timer = setTimeout(late, withinMs)
    try {
      return await waiting.promise
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async version() {
      socket.write('zVERSION\0')
      const seconds = times.silenceMs / 1000
      const text = await reply(times.silenceMs, () => lose(new Error(`${title} gave no answer within ${seconds} s.`)))
      // Inside a session, answers begin with the number of the command.
      const version = /^\d+: ([\x20-\x7e]+)$/.exec(text)?.[1]
      if (version === undefined) throw new Error(`${title} does not answer as clamd does. Is it another service?`)
      return version
    },
    async pause(ms) {
      await reply(ms, () => waiting.resolve(''))
    },
    hurry: () => waiting.resolve(''),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', close)
      socket.destroy()
    },
  }
}
