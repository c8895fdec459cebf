import { createServer, type Server } from 'node:http'
import { duplexPair } from 'node:stream'
import type { AppInMemory } from '../support/app-in-memory.ts'

export interface WireAnswer {
  status: number
  /** By names in lower case; of repeated ones the last. */
  headers: Record<string, string>
  body: Buffer
}

/** What Node's own server sends before an application sees the request. */
export const isOfParser = ({ headers, body }: WireAnswer) =>
  headers['content-type'] === undefined && (body.length === 0 || body.toString('latin1') === '0\r\n\r\n')

/** A server with the real handlers and the real HTTP parser, that is connected to by `exchange` and not by a port. */
export function serverOf({ fastify }: AppInMemory): Server {
  const server = createServer((request, response) => fastify.server.emit('request', request, response))
  // Otherwise it would not answer a client that has ended its half.
  return Object.assign(server, { httpAllowHalfOpen: true })
}

/**
 * Sends bytes over a connection of their own, ends its own half, and answers what came back until the server closed it. Throws if
 * that takes longer than `timeoutMs`, or if more than `bytesMax` come.
 */
export function exchange(
  server: Server,
  bytes: Uint8Array,
  { timeoutMs, bytesMax }: { timeoutMs: number; bytesMax: number },
): Promise<Buffer> {
  const [client, connection] = duplexPair()
  Object.assign(connection, { remoteAddress: '127.0.0.1' })
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const finish = (error?: Error) => {
      clearTimeout(timer)
      if (error) reject(error)
      else resolve(Buffer.concat(chunks))
      client.destroy()
      connection.destroy()
    }
    const timer = setTimeout(() => finish(new Error(`no end of the answer within ${timeoutMs} ms`)), timeoutMs)
    client.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > bytesMax) finish(new Error(`more than ${bytesMax} bytes came`))
    })
    client.on('end', () => finish())
    client.on('error', finish)
    // What the server wrote before it cut the connection is still on its way.
    connection.on('close', () => setImmediate(finish))
    connection.on('error', () => {})
    server.emit('connection', connection)
    client.end(bytes)
  })
}

/** Reads the first answer that is not merely "go on"; undefined where there is none. */
export function readAnswer(bytes: Buffer): WireAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [line = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1])
  if (status >= 100 && status < 200) return readAnswer(bytes.subarray(end + 4))
  const headers = Object.fromEntries(
    lines.map((header) => {
      const colon = header.indexOf(':')
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()]
    }),
  )
  return { status, headers, body: bytes.subarray(end + 4) }
}

/** The statuses of all answers on a connection. */
export function statusesIn(bytes: Buffer): number[] {
  return [...bytes.toString('latin1').matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]))
}
