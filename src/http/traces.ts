import { randomUUID } from 'node:crypto'

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The caller's `traceparent` (W3C Trace Context) if it is a good one, else a new one. */
export function traceparentOf(header: unknown): string {
  if (typeof header === 'string' && TRACEPARENT.test(header)) return header
  // Node makes these in stock, which is several times as fast as asking for random bytes with each request.
  const traceId = randomUUID().replaceAll('-', '')
  return `00-${traceId}-${traceId.slice(16)}-00`
}

/** The 32 hex digits that an operation carries as `traceId`. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35)
}
