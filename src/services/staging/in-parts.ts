import { createHash } from 'node:crypto'
import type { PartBuffers } from './part-buffers.ts'

/** Bytes that belong together. They are good until the next part is asked for. */
export interface Part {
  bytes: Uint8Array
  /** In hex. */
  sha256: string
}

/** The body ended before its end. */
export class BodyBroken extends Error {
  override readonly name = 'BodyBroken'
}

/** Of a turn: how much of it everybody has, whoever waits. */
const GRANTED = 0.1

/**
 * Divides what a client sends into parts that fill a buffer, or that took as long as `turnMs`, or a tenth of it where others wait for a
 * buffer: so a slow client neither keeps one from others nor loses much. Where the client goes away (`BodyBroken`), or `signal` aborts,
 * what came is a part too, and the error follows it.
 */
export async function* inParts(
  body: AsyncIterable<Uint8Array>,
  {
    buffers,
    bytesMax,
    signal,
    turnMs,
  }: {
    buffers: PartBuffers
    /** More than these need not fit into one part. */
    bytesMax: number
    signal: AbortSignal
    turnMs: number
  },
): AsyncGenerator<Part> {
  using chunks = openChunks(body, signal)
  for (let coming = chunks.next(); ; ) {
    // A buffer is taken only when there is something to put into it.
    const first = await coming
    if (first.done) return
    using buffer = await buffers.take(bytesMax)
    const hash = createHash('sha256')
    using turn = startTurn(turnMs, () => buffers.isWanted())
    let filledBytes = 0
    let failure: { error: unknown } | undefined
    try {
      for (let chunk = first.value; ; ) {
        const taken = chunk.subarray(0, buffer.bytes.length - filledBytes)
        buffer.bytes.set(taken, filledBytes)
        hash.update(taken)
        filledBytes += taken.length
        const rest = chunk.subarray(taken.length)
        coming = rest.length > 0 ? Promise.resolve({ value: rest }) : chunks.next()
        if (filledBytes === buffer.bytes.length) break
        const outcome = await turn.unlessOver(coming)
        if (outcome === undefined || outcome.done) break
        chunk = outcome.value
      }
    } catch (error) {
      failure = { error }
    }
    turn[Symbol.dispose]()
    if (filledBytes > 0) yield { bytes: buffer.bytes.subarray(0, filledBytes), sha256: hash.digest('hex') }
    if (failure !== undefined) throw failure.error
  }
}

type Chunk = IteratorResult<Uint8Array, unknown>

/**
 * The chunks of a body one by one; `signal` ends the waiting for one. The iterator is never told that no more is wanted, since that would
 * close the connection under the answer. No `Promise.race` here: one with a promise that lives long keeps every chunk in memory.
 */
function openChunks(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
  const chunks = body[Symbol.asyncIterator]()
  let refuse: (reason: unknown) => void = () => {}
  const onAbort = () => refuse(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    next(): Promise<Chunk> {
      const { promise, resolve, reject } = Promise.withResolvers<Chunk>()
      // Looked at later, when its part is begun.
      promise.catch(() => {})
      refuse = reject
      if (signal.aborted) reject(signal.reason)
      else chunks.next().then(resolve, (cause) => reject(new BodyBroken('The body broke off.', { cause })))
      return promise
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', onAbort)
    },
  }
}

function startTurn(ms: number, isWanted: () => boolean) {
  let onOver = () => {}
  let isOver = false
  const begunAt = performance.now()
  const timer = setInterval(() => {
    if (!isWanted() && performance.now() - begunAt < ms) return
    isOver = true
    onOver()
  }, ms * GRANTED)
  return {
    /** What comes, or undefined once the turn is over. */
    unlessOver(coming: Promise<Chunk>): Promise<Chunk | undefined> {
      const { promise, resolve, reject } = Promise.withResolvers<Chunk | undefined>()
      onOver = () => resolve(undefined)
      if (isOver) onOver()
      else coming.then(resolve, reject)
      return promise
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
