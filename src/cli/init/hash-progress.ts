import type { SingleBar } from 'cli-progress'

/** Smaller files are read before anybody could look. */
const SHOWN_FROM_BYTES = 32 * 1024 * 1024

/** Shows on a terminal how much of the files has been read; does nothing elsewhere, and for small files. */
export async function hashProgress(totalBytes: number): Promise<{ add(bytes: number): void; end(): void }> {
  if (!process.stderr.isTTY || totalBytes < SHOWN_FROM_BYTES) return { add: () => {}, end: () => {} }
  const { default: progress } = await import('cli-progress')
  const bar: SingleBar = new progress.SingleBar({
    stream: process.stderr,
    format: 'hashing {bar} {percentage} % of {megabytes} MB',
    clearOnComplete: true,
    barsize: 30,
  })
  bar.start(totalBytes, 0, { megabytes: Math.round(totalBytes / 1_000_000) })
  return { add: (bytes) => bar.increment(bytes), end: () => bar.stop() }
}
