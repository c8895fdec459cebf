import { failureToRead, progressOf, timeout } from './source-failure.ts'
import type { SourceLimits } from './source-limits.ts'

/**
 * Reads a body and gives its failures their product names. Ends with the reason of `signal` when that aborts, and with
 * `SourceTimeout` when the source is too slow. Leaving the iteration destroys the body and with it the connection.
 */
export async function* readBody(
  body: AsyncIterable<Uint8Array>,
  facts: { place: string; start: number; sizeInBytes: number | undefined; limits: SourceLimits; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const { slowMs, slowBytesPerSecond } = facts.limits
  let got = facts.start
  // The pace is judged when bytes come, over the time spent waiting for them. That needs no timer, since silence has a
  // limit of its own, and a busy reader is not held against the source.
  let gotMeanwhile = 0
  let waitedMs = 0
  let askedAt = performance.now()
  try {
    for await (const chunk of body) {
      got += chunk.length
      gotMeanwhile += chunk.length
      waitedMs += performance.now() - askedAt
      if (waitedMs >= slowMs) {
        if (gotMeanwhile * 1000 < slowBytesPerSecond * waitedMs) {
          throw timeout(
            `${facts.place}: slower than ${slowBytesPerSecond} bytes a second for ${slowMs / 1000} s, ` +
              `after ${progressOf({ ...facts, got })}.`,
          )
        }
        gotMeanwhile = 0
        waitedMs = 0
      }
      yield chunk
      giveBack(chunk)
      askedAt = performance.now()
    }
  } catch (error) {
    facts.signal.throwIfAborted()
    throw failureToRead(error, { ...facts, got })
  }
}

/**
 * Gives the memory of a chunk back at once. Left to the garbage collector, each GiB costs some fifty full collections, and half of the
 * processor's time (measured). A chunk that shares its memory with others is left alone.
 */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0)
}
