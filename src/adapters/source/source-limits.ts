/** How long a source may take. Times are milliseconds. */
export interface SourceLimits {
  /** From the question for the host's addresses to the open connection, TLS included. */
  connectMs: number
  /** Without a single byte: before the answer, or inside the body. */
  silenceMs: number
  /** Slower than `slowBytesPerSecond` over this long ends it. Time in which the reader is busy does not count. */
  slowMs: number
  slowBytesPerSecond: number
  /** All in all, redirects included. */
  totalMs: number
}

export const SOURCE_LIMITS: SourceLimits = {
  connectMs: 10_000,
  silenceMs: 60_000,
  slowMs: 60_000,
  slowBytesPerSecond: 1024,
  totalMs: 4 * 60 * 60 * 1000,
}
