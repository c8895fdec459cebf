import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface HostPort {
  host: string
  /** 0 takes a free one. */
  port: number
}

/** What one client may hold up. Times in milliseconds. */
export interface ClientLimits {
  /** Connections that a listener keeps open at the same time. */
  connectionsMax: number
  /** For the TLS handshake, and then for the headers of each request. */
  headersMs: number
  /** For a request with its body, unless that may take long. */
  requestMs: number
  /**
   * Without a byte that the other side sent, or that its network took, in the middle of a request or its answer. The kernel takes up to
   * some megabytes for the other side beforehand: the line must carry about a third of that in this time.
   */
  silenceMs: number
}

/**
 * A connection over TLS takes some 70 KB of memory: 2000 of them less than 150 MB. A download of gigabytes over a thin
 * line may take days, so only silence ends it. Five minutes are 6 KB/s even where the kernel's buffer has grown to 4
 * MiB. An import is some kilobytes, and its client sends it at once.
 */
export const CLIENT_LIMITS: ClientLimits = {
  connectionsMax: 2000,
  headersMs: 20_000,
  requestMs: 60_000,
  silenceMs: 300_000,
}

/** Such as `http://127.0.0.1:8480`; absent where there is no such listener. */
export interface Listeners {
  httpUrl: string | undefined
  httpsUrl: string | undefined
  metricsUrl: string | undefined
  /** Open connections by listener. */
  connections(): Promise<ReadonlyMap<string, number>>
  /** Takes new certificates without dropping a connection. */
  renewTls(tls: { key: string; cert: string }): void
  /** Stops taking connections, waits up to `graceMs` for requests in flight, then cuts the rest off. */
  close(graceMs: number): Promise<void>
}

/** Where to listen. The names tell the listeners apart in messages and metrics. */
export interface Places {
  http?: HostPort | undefined
  https?: HostPort | undefined
  /** For supervisors: full listeners beside it do not keep them out. */
  metrics?: HostPort | undefined
}

type Name = keyof Places

/** Browsers and proxies stop near 8 KiB for a URL; a token has two or three. */
const HEADER_BYTES_MAX = 16 * 1024
/** Longer than load balancers keep idle connections, so that it is never this side that closes one under a request. */
const KEEP_ALIVE_MS = 75_000
/** How often idle connections are closed to make room: walking through all of them for each that comes would cost too much. */
const MAKE_ROOM_EVERY_MS = 250

/** Listens on plain http and on https with one and the same handler, and with another one for supervisors. */
export async function listen(
  {
    handler,
    supervisorHandler,
    mayTakeLong = () => false,
  }: {
    handler: RequestListener
    supervisorHandler?: RequestListener
    /** Of which requests only silence ends the body. Asked when its time is over. */
    mayTakeLong?: (request: IncomingMessage) => boolean
  },
  {
    http,
    https,
    metrics,
    tls,
    limits = CLIENT_LIMITS,
    onRefused = () => {},
  }: Places & {
    /** For https. */
    tls?: { key: string; cert: string }
    limits?: ClientLimits
    /** Called for each connection beyond the limit. */
    onRefused?: (listener: string) => void
  },
): Promise<Listeners> {
  const options = serverOptions(limits)
  const httpServer = createHttpServer(options, handler)
  const httpsServer = createHttpsServer({ ...options, handshakeTimeout: limits.headersMs, ...tls }, handler)
  const metricsServer = createHttpServer(options, supervisorHandler)
  const all: { name: Name; place: HostPort; server: Server | HttpsServer }[] = [
    { name: 'http' as const, place: http, server: httpServer },
    { name: 'https' as const, place: https, server: httpsServer },
    { name: 'metrics' as const, place: metrics, server: metricsServer },
  ].flatMap(({ place, ...listener }) => (place === undefined ? [] : [{ ...listener, place }]))
  for (const { name, server } of all) {
    bound(server, limits, () => onRefused(name))
    boundBodies(server, limits, mayTakeLong)
  }
  const started = await Promise.allSettled(all.map(start))
  const failed = started.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    // All have had their say, so none begins to listen after this.
    await Promise.all(all.map(({ server }) => close(server, 0)))
    throw failed.reason
  }
  return {
    httpUrl: http && urlOf('http', http.host, httpServer),
    httpsUrl: https && urlOf('https', https.host, httpsServer),
    metricsUrl: metrics && urlOf('http', metrics.host, metricsServer),
    async connections() {
      return new Map(await Promise.all(all.map(async ({ name, server }) => [name, await countOf(server)] as const)))
    },
    renewTls: (renewed) => httpsServer.setSecureContext(renewed),
    async close(graceMs) {
      await Promise.all(all.map(({ server }) => close(server, graceMs)))
    },
  }
}

function serverOptions({ headersMs, requestMs }: ClientLimits) {
  return {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: Math.min(headersMs, requestMs),
    // Node knows one time for all requests: see `boundBodies`.
    requestTimeout: 0,
    // Node looks for those who are late this often, so it may be that much later.
    connectionsCheckingInterval: Math.min(5000, headersMs / 2),
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
}

/** What Node has no options for. Beyond the limit it closes a connection before a byte is read. */
function bound(server: Server | HttpsServer, { connectionsMax, silenceMs }: ClientLimits, onRefused: () => void): void {
  server.timeout = silenceMs
  server.maxConnections = connectionsMax
  let madeRoomAt = Number.NEGATIVE_INFINITY
  server.on('drop', () => {
    onRefused()
    const now = performance.now()
    if (now - madeRoomAt < MAKE_ROOM_EVERY_MS) return
    madeRoomAt = now
    // Who only keeps a connection for later gives way to those who come next.
    server.closeIdleConnections()
  })
}

/** Ends requests whose body takes longer than it may. */
function boundBodies(
  server: Server | HttpsServer,
  { requestMs }: ClientLimits,
  mayTakeLong: (request: IncomingMessage) => boolean,
): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { headers } = request
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
    const timer = setInterval(() => {
      if (request.complete || mayTakeLong(request)) return
      clearInterval(timer)
      if (!response.headersSent) request.socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')
      request.socket.destroy()
    }, requestMs)
    const end = () => clearInterval(timer)
    request.once('end', end)
    request.once('close', end)
  })
}

function start({
  name,
  place: { host, port },
  server,
}: {
  name: Name
  place: HostPort
  server: Server | HttpsServer
}): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE'
      reject(inUse ? new Error(`Port ${port} on ${host} is in use; choose another one with --${name}.`) : error)
    })
    server.listen({ host, port }, resolve)
  })
}

function countOf(server: Server | HttpsServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(error === null ? count : 0)))
}

function close(server: Server | HttpsServer, graceMs: number): Promise<void> {
  if (!server.listening) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function urlOf(scheme: string, host: string, server: Server | HttpsServer): string {
  const { port } = server.address() as AddressInfo
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
