import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { drained } from './drained.ts'

/** What happens to a request on its way. */
export type Fault =
  /** The connection is reset before the server sees the request. */
  | 'reset'
  /** Neither the server nor the client hears anything more. */
  | 'silence'
  /** The server does what it is asked, but the connection is reset instead of its answer. */
  | 'lose answer'
  /** One bit of the body is wrong when it comes to the server. */
  | 'damage'
  /** The server never sees the request; this is answered. */
  | { status: number; code: string; headers?: Record<string, string> }
  /** The connection is reset after so many bytes of the body of the answer. */
  | { answerBytes: number }
  /** The connection is reset after so many bytes of the body of the request. */
  | { requestBytes: number }

export interface HttpFront extends AsyncDisposable {
  port: number
  /** Decides for each request, at once or later; undefined lets it through. */
  fault: (request: FrontRequest) => Fault | undefined | Promise<Fault | undefined>
  /** Method and path of every request that came, oldest first. */
  requests: string[]
  /** How many answers are on their way to clients. */
  answering(): number
}

export interface FrontRequest {
  method: string
  /** With its query. */
  url: string
}

/** Stands before an HTTP server on a loopback port and does to single requests what networks and overloaded servers do. */
export async function startHttpFront({ targetPort }: { targetPort: number }): Promise<HttpFront> {
  // A connection that is kept may end before it is used again, and then the client asks once more than it need.
  const agent = new Agent({ keepAlive: false })
  let answering = 0

  async function handOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = { method: request.method ?? '', url: request.url ?? '' }
    front.requests.push(`${asked.method} ${asked.url}`)
    const fault = await front.fault(asked)
    if (fault === 'reset') {
      request.socket.resetAndDestroy()
      return
    }
    if (fault === 'silence') return
    if (typeof fault === 'object' && 'status' in fault) {
      request.resume()
      const { status, code, headers } = fault
      response.writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml', ...headers })
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
      return
    }
    const { method, url, headers } = { ...asked, headers: request.headers }
    const upstream = send({ agent, host: '127.0.0.1', port: targetPort, method, path: url, headers })
    upstream.on('error', () => response.destroy())
    const answered = once(upstream, 'response') as Promise<[IncomingMessage]>
    answered.catch(() => {})
    let sentBytes = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (fault === 'damage' && sentBytes === 0) chunk.writeUInt8(chunk.readUInt8(0) ^ 1)
      sentBytes += chunk.length
      if (typeof fault === 'object' && 'requestBytes' in fault && sentBytes >= fault.requestBytes) {
        upstream.destroy()
        request.socket.resetAndDestroy()
        return
      }
      if (!upstream.write(chunk)) await drained(upstream)
    }
    upstream.end()
    const [answer] = await answered
    if (fault === 'lose answer') {
      answer.resume()
      await once(answer, 'end')
      request.socket.resetAndDestroy()
      return
    }
    answering += 1
    try {
      await handBack(
        answer,
        response,
        typeof fault === 'object' && 'answerBytes' in fault ? fault.answerBytes : Number.POSITIVE_INFINITY,
      )
    } finally {
      answering -= 1
      answer.destroy()
    }
  }

  const server = createServer((request, response) => {
    handOn(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const front: HttpFront = {
    port: (server.address() as AddressInfo).port,
    fault: () => undefined,
    requests: [],
    answering: () => answering,
    async [Symbol.asyncDispose]() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return front
}

async function handBack(answer: IncomingMessage, response: ServerResponse, bytesMax: number): Promise<void> {
  response.writeHead(answer.statusCode ?? 0, answer.headers)
  response.flushHeaders()
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (response.destroyed) return
    if (bytes + chunk.length > bytesMax) {
      response.write(chunk.subarray(0, bytesMax - bytes), () => response.socket?.resetAndDestroy())
      return
    }
    bytes += chunk.length
    if (!response.write(chunk)) await drained(response)
  }
  response.end()
}
