import { connect, type Socket } from 'node:net'
import { type ClamdAddress, clamdTitle } from './clamd-address.ts'
import { unlessAborted } from './unless-aborted.ts'

const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'this process must not use the socket',
  ENOTFOUND: 'the host name is not known',
}

/** Opens a connection. Rejects with an `Error` whose message is a sentence with the true cause, or with the reason of `signal`. */
export async function connectClamd({
  address,
  connectMs,
  signal,
}: {
  address: ClamdAddress
  connectMs: number
  signal: AbortSignal
}): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect({ ...address, noDelay: true })
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (error) => reject(new Error(whyUnreachable(address, error), { cause: error })))
    const late = new Error(`${clamdTitle(address)} took no connection within ${connectMs / 1000} s.`)
    socket.setTimeout(connectMs, () => reject(late))
  })
  try {
    await unlessAborted(connected, signal)
    socket.setTimeout(0)
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  } finally {
    socket.removeAllListeners('timeout')
  }
}

function whyUnreachable(address: ClamdAddress, error: NodeJS.ErrnoException): string {
  const code = error.code ?? error.message
  const meaning = MEANINGS[code]
  return `${clamdTitle(address)} cannot be reached: ${meaning === undefined ? code : `${meaning} (${code})`}.`
}
