import { type ClamdAddress, clamdTitle } from './clamd-address.ts'
import { connectClamd } from './clamd-connect.ts'
import type { ClamdTimes } from './clamd-times.ts'

/**
 * How a stream ended: with clamd's reply, or without one for the reason that `lost` tells in a sentence. `isCut` if clamd closed
 * the connection: what it had to say about that, such as a limit on the size, may be lost on the way.
 */
export type StreamEnd = { reply: string } | { lost: string; isCut: boolean }

/** One file on its way to clamd by the command `INSTREAM`. */
export interface ClamdStream {
  /** Set when clamd has replied or is lost, which may happen before all bytes are written. */
  readonly end: StreamEnd | undefined
  /** Resolves when clamd has taken the chunk, or is known never to. Rejects only with the reason of the signal. */
  write(chunk: Uint8Array): Promise<void>
  /** Ends the file and waits for the reply. Rejects only with the reason of the signal. */
  finish(): Promise<StreamEnd>
  /** Ends the connection; whatever clamd thought of the bytes so far is lost. */
  destroy(): void
}

/** No reply of clamd to a single command comes near this. */
const REPLY_CHARACTERS_MAX = 4096

/** Connects and announces a file. Rejects with an `Error` whose message is a sentence, or with the reason of `signal`. */
export async function openClamdStream({
  address,
  times,
  signal,
}: {
  address: ClamdAddress
  times: ClamdTimes
  signal: AbortSignal
}): Promise<ClamdStream> {
  const title = clamdTitle(address)
  const socket = await connectClamd({ address, connectMs: times.connectMs, signal })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let end: StreamEnd | undefined
  let text = ''
  let bytesTaken = 0
  let isWriting = false
  let replyTimer: NodeJS.Timeout | undefined

  function settle(result: StreamEnd): void {
    end ??= result
    clearTimeout(replyTimer)
    signal.removeEventListener('abort', destroy)
    socket.destroy()
    resolve()
  }
  function destroy(): void {
    settle({ lost: 'The scan was given up.', isCut: false })
  }

  let cause = ''
  socket.on('error', (error: NodeJS.ErrnoException) => {
    cause = ` (${error.code ?? error.message})`
  })
  socket.on('close', () => {
    settle({ lost: `${title} closed the connection after ${bytesTaken} bytes without a reply${cause}.`, isCut: true })
  })
  socket.setEncoding('latin1')
  socket.on('data', (part: string) => {
    text += part
    // Replies end as their command did, but clamd's own timeouts are told with a line feed.
    const length = text.search(/[\0\n]/)
    if (length >= 0) settle({ reply: text.slice(0, length) })
    else if (text.length > REPLY_CHARACTERS_MAX)
      settle({ lost: `${title} answers something that is no reply.`, isCut: false })
  })
  // A silence counts only while bytes wait: the source may be as slow as it is allowed to be.
  socket.setTimeout(times.silenceMs)
  socket.on('timeout', () => {
    if (isWriting) settle({ lost: `${title} took no bytes for ${times.silenceMs / 1000} s.`, isCut: false })
  })
  signal.addEventListener('abort', destroy)
  socket.write('zINSTREAM\0')

  return {
    get end() {
      return end
    },
    async write(chunk) {
      signal.throwIfAborted()
      // A chunk of no bytes would be the end of the file.
      if (end !== undefined || chunk.byteLength === 0) return
      isWriting = true
      const error = await new Promise((taken) => {
        socket.cork()
        socket.write(bigEndian(chunk.byteLength))
        socket.write(chunk, taken)
        socket.uncork()
      })
      isWriting = false
      if (error) await ended
      else bytesTaken += chunk.byteLength
      signal.throwIfAborted()
    },
    async finish() {
      signal.throwIfAborted()
      if (end === undefined) {
        socket.write(bigEndian(0))
        replyTimer = setTimeout(
          () => settle({ lost: `${title} gave no verdict within ${times.replyMs / 1000} s.`, isCut: false }),
          times.replyMs,
        )
      }
      await ended
      signal.throwIfAborted()
      return end as StreamEnd
    },
    destroy,
  }
}

function bigEndian(length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(length)
  return bytes
}
