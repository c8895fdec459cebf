import { randomBytes } from 'node:crypto'

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The caller's `traceparent` (W3C Trace Context) if it is a good one, else a new one. */
export function traceparentOf(header: unknown): string {
  if (typeof header === 'string' && TRACEPARENT.test(header)) return header
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`
}

/** The 32 hex digits that an operation carries as `traceId`. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35)
}
