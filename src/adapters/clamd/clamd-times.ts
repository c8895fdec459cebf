/** How long a clamd may take. Times are milliseconds. */
export interface ClamdTimes {
  /** From the question for the host's addresses to the open connection. */
  connectMs: number
  /** Without taking a single byte that waits for it, or without answering a question that is no scan. */
  silenceMs: number
  /** From the last byte to the reply. clamd itself gives a file two minutes (`MaxScanTime`), but others may be queued before it. */
  replyMs: number
  /** How long a file waits for the running test of the limits to prove its size. */
  proofMs: number
  /** Between two looks whether it is still there, with the same signatures. clamd ends silent sessions after 30 s (`IdleTimeout`). */
  lookEveryMs: number
  /** Between two tries to reach one that is away. */
  retryMs: number
  /** From a test of its limits that failed to the next one. */
  retestMs: number
}

export const CLAMD_TIMES: ClamdTimes = {
  connectMs: 10_000,
  silenceMs: 60_000,
  replyMs: 15 * 60_000,
  proofMs: 10_000,
  lookEveryMs: 5_000,
  retryMs: 1_000,
  retestMs: 60_000,
}
