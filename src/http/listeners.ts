import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface HostPort {
  host: string
  /** 0 takes a free one. */
  port: number
}

export interface Listeners {
  /** Such as `http://127.0.0.1:8480`; absent where that listener is off. */
  httpUrl: string
  httpsUrl: string
  /** Takes new certificates without dropping a connection. */
  renewTls(tls: { key: string; cert: string }): void
  /** Stops taking connections, waits up to `graceMs` for requests in flight, then cuts the rest off. */
  close(graceMs: number): Promise<void>
}

/** Longer than load balancers keep idle connections, so that it is never this side that closes one under a request. */
const PATIENT = { keepAliveTimeout: 75_000 }

/** Listens on plain http and on https with one and the same handler. */
export async function listen(
  handler: RequestListener,
  { http, https, tls }: { http: HostPort; https: HostPort; tls: { key: string; cert: string } },
): Promise<Listeners> {
  const httpServer = createHttpServer(PATIENT, handler)
  const httpsServer = createHttpsServer({ ...PATIENT, ...tls }, handler)
  const started = await Promise.allSettled([start(httpServer, http), start(httpsServer, https)])
  const failed = started.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    // Both have had their say, so neither begins to listen after this.
    await Promise.all([close(httpServer, 0), close(httpsServer, 0)])
    throw failed.reason
  }
  return {
    httpUrl: urlOf('http', http.host, httpServer),
    httpsUrl: urlOf('https', https.host, httpsServer),
    renewTls: (renewed) => httpsServer.setSecureContext(renewed),
    async close(graceMs) {
      await Promise.all([close(httpServer, graceMs), close(httpsServer, graceMs)])
    },
  }
}

function start(server: Server | HttpsServer, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE'
      reject(inUse ? new Error(`Port ${port} on ${host} is in use; choose another one with --http or --https.`) : error)
    })
    server.listen({ host, port }, resolve)
  })
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
