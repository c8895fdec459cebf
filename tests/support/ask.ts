import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'

export interface Question {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/** What a server answered, as it came. */
export interface Answered {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The body as JSON, believed to be a `T`. */
  json<T = Record<string, unknown>>(): T
}

/**
 * Sends one request over a real connection, with the path to the letter: `fetch` would escape and add as it thinks fit, and a
 * test of the wire wants to say itself what goes over it.
 */
export function ask(
  origin: string,
  path: string,
  { method = 'GET', headers = {}, body }: Question = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin)
    const asking = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      readAnswer(response).then(resolve, reject)
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

/** Reads an answer to its end. */
export async function readAnswer(response: IncomingMessage): Promise<Answered> {
  const text = Buffer.concat(await response.toArray()).toString()
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: <T>() => JSON.parse(text) as T,
  }
}
