import { type IncomingHttpHeaders, request } from 'node:http'

export interface Question {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}

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
    const asking = request({ hostname, port, path, method, headers, agent: false }, async (response) => {
      try {
        const text = Buffer.concat(await response.toArray()).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: <T>() => JSON.parse(text) as T,
        })
      } catch (error) {
        reject(error)
      }
    })
    asking.on('error', reject)
    asking.end(body)
  })
}
