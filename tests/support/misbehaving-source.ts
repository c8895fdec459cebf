import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** How the source answers one request. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

export interface RecordedRequest {
  method: string
  /** With the query. */
  path: string
  headers: IncomingHttpHeaders
  /** The name that TLS asked for, if any. */
  servername: string | undefined
}

export interface MisbehavingSource extends AsyncDisposable {
  port: number
  /** Makes `path` behave so, whatever the query, and answers its URL. Paths without a behaviour answer 404. */
  at(path: string, behaviour: Behaviour): URL
  /** Every request so far, in order. */
  requests: readonly RecordedRequest[]
  /** How many connections were made so far. */
  connectionsMade(): number
  /** Resolves when no connection is open. */
  idle(): Promise<void>
}

/** Starts an http source on a free loopback port, or an https one where a certificate is given. */
export async function startSource({
  host = '127.0.0.1',
  tls,
}: {
  host?: string
  tls?: { key: string; cert: string }
} = {}): Promise<MisbehavingSource> {
  const behaviours = new Map<string, Behaviour>()
  const requests: RecordedRequest[] = []
  const sockets = new Set<Socket>()
  let connectionsMade = 0

  const listener: Behaviour = (request, response) => {
    const path = request.url ?? '/'
    const servername = 'servername' in request.socket ? String(request.socket.servername) : undefined
    requests.push({ method: request.method ?? '', path, headers: request.headers, servername })
    const behave = behaviours.get(new URL(path, 'http://source').pathname) ?? answerStatus(404)
    behave(request, response)
  }
  const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener)
  server.on('connection', (socket: Socket) => {
    connectionsMade += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    port,
    requests,
    connectionsMade: () => connectionsMade,
    at(path, behaviour) {
      behaviours.set(path, behaviour)
      return new URL(
        path,
        `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
      )
    },
    async idle() {
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** A good source: the bytes, a strong ETag, and ranges (with `If-Range`) unless told not to. */
export function serveBytes(bytes: Uint8Array, { ranges = true }: { ranges?: boolean } = {}): Behaviour {
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`
  return (request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const condition = request.headers['if-range']
    response.setHeader('etag', etag)
    if (!ranges || from === undefined || (condition !== undefined && condition !== etag)) {
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
      return
    }
    const start = Number(from)
    const end = to === undefined || to === '' ? bytes.length - 1 : Math.min(Number(to), bytes.length - 1)
    if (start > end) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
      return
    }
    response
      .writeHead(206, { 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${bytes.length}` })
      .end(bytes.subarray(start, end + 1))
  }
}

/** The right number of bytes, every one of them wrong. */
export function serveOtherBytes(bytes: Uint8Array): Behaviour {
  return serveBytes(bytes.map((byte) => byte ^ 0xff))
}

export function answerStatus(
  status: number,
  {
    reason = http.STATUS_CODES[status] ?? '',
    headers = {},
  }: { reason?: string; headers?: Record<string, string> } = {},
): Behaviour {
  return (_request, response) => {
    response.writeHead(status, reason, headers).end(`status ${status}`)
  }
}

export function redirectTo(location: string | URL, status = 302): Behaviour {
  return answerStatus(status, { headers: { location: String(location) } })
}

/** Redirects to itself for ever. */
export const redirectLoop: Behaviour = (request, response) => redirectTo(request.url ?? '/')(request, response)

/** Promises all bytes and closes the connection after `afterBytes` of them; chunked where it promises nothing. */
export function closeEarly(
  bytes: Uint8Array,
  { afterBytes, promise = true }: { afterBytes: number; promise?: boolean },
): Behaviour {
  return (_request, response) => {
    response.writeHead(200, promise ? { 'content-length': bytes.length } : {})
    response.write(bytes.subarray(0, afterBytes), () => response.socket?.end())
  }
}

/** Sends the bytes and then `extraBytes` more, without stating any length beforehand. */
export function sendMore(bytes: Uint8Array, { extraBytes }: { extraBytes: number }): Behaviour {
  return (_request, response) => {
    response.writeHead(200)
    response.write(bytes)
    response.end(new Uint8Array(extraBytes))
  }
}

/** States `claimedBytes` as the length, whatever follows. */
export function claimLength(bytes: Uint8Array, { claimedBytes }: { claimedBytes: number }): Behaviour {
  return (_request, response) => {
    response.writeHead(200, { 'content-length': claimedBytes }).end(bytes)
  }
}

/** Takes the request and says nothing. */
export const neverAnswer: Behaviour = () => {}

/** Promises all bytes, sends `afterBytes` of them, and then nothing while the connection stays open. */
export function stall(bytes: Uint8Array, { afterBytes }: { afterBytes: number }): Behaviour {
  return (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, afterBytes))
  }
}

/** Sends a byte every `everyMs`. */
export function trickle(bytes: Uint8Array, { everyMs }: { everyMs: number }): Behaviour {
  return (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    let sent = 0
    const timer = setInterval(() => {
      response.write(bytes.subarray(sent, sent + 1))
      sent += 1
      if (sent < bytes.length) return
      clearInterval(timer)
      response.end()
    }, everyMs)
    response.on('close', () => clearInterval(timer))
  }
}

/** Writes this text to the connection in place of an HTTP answer, and closes it. */
export function answerRaw(text: string): Behaviour {
  return (_request, response) => {
    response.socket?.end(text)
  }
}
