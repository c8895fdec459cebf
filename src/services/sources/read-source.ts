import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import type { OpenSource, SourceBody, SourcePosition } from '../../ports/source.ts'

/** How stubbornly a source is asked again. */
export interface RetryPolicy {
  /** Tries in a row that bring not a single byte; 1 tries once. */
  triesMax: number
  /** Before the second try, in milliseconds; it doubles with each further one. */
  pauseMs: number
}

export const RETRY: RetryPolicy = { triesMax: 6, pauseMs: 1000 }

const PAUSE_MS_MAX = 30_000
/** A source that wants a longer rest is asked sooner: the operation holds a worker's place meanwhile. */
const RETRY_AFTER_MS_MAX = 120_000
/** Also where each try brings a few bytes there is an end. */
const FAILURES_MAX = 100
/** Goes at a file from byte 0, where the source changes while it is read. */
const STARTS_MAX = 3

/** The bytes that came are of no use together; reading has to begin again. `reason` is what to say if it may not. */
export class StartOver extends Error {
  override readonly name = 'StartOver'
  readonly reason: AppError

  constructor(reason: AppError) {
    super(reason.message, { cause: reason })
    this.reason = reason
  }
}

/** Runs `read` again as long as it throws `StartOver`, but not for ever: then the reason is thrown. */
export async function startingOver<T>(read: () => Promise<T>): Promise<T> {
  for (let starts = 1; ; starts += 1) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof StartOver)) throw error
      if (starts === STARTS_MAX) throw error.reason
    }
  }
}

export interface Reading extends AsyncIterable<Uint8Array> {
  /** What was read came in several answers: it may be of different versions, so a wrong hash is no proof against the source yet. */
  readonly isStitched: boolean
}

export interface ReadOptions {
  openSource: OpenSource
  retry?: RetryPolicy | undefined
  signal: AbortSignal
  /** Where to begin, when the bytes before are there already. */
  from?: SourcePosition | undefined
  /** Called with each answer before its first byte is handed on. */
  onAnswer?: (answer: Pick<SourceBody, 'etag' | 'sizeInBytes'>) => Promise<void>
}

/**
 * Reads what a source has, through everything that may get better: after a failure of that kind it pauses, longer each time and never as
 * long as others do, and goes on at the next byte, by a range where the source gives a strong ETag. Otherwise the source sends
 * everything again and what came before is skipped.
 *
 * Throws `AppError` with a code of the `source` place, at the end with the number of tries; and `StartOver` where the ETag changed.
 */
export function readSource(file: { url: URL; sizeInBytes: number | undefined }, options: ReadOptions): Reading {
  const { openSource, retry = RETRY, signal, from, onAnswer } = options
  const beganAt = performance.now()
  let answers = from === undefined ? 0 : 1

  async function* read(): AsyncGenerator<Uint8Array> {
    let position = from?.position ?? 0
    let etag = from?.etag
    let failures = 0
    let inARow = 0
    while (file.sizeInBytes === undefined || position < file.sizeInBytes || answers === 0) {
      try {
        await using body = await openSource(file.url, {
          sizeInBytes: file.sizeInBytes,
          signal,
          beganAt,
          ...(position > 0 && etag !== undefined && { from: { position, etag } }),
        })
        answers += 1
        if (position > 0 && etag !== undefined && body.etag !== etag) throw new StartOver(changed(file.url))
        etag = body.etag
        await onAnswer?.(body)
        let at = body.start
        for await (const chunk of body) {
          const fresh = chunk.subarray(Math.min(Math.max(position - at, 0), chunk.length))
          at += chunk.length
          if (fresh.length === 0) continue
          position += fresh.length
          inARow = 0
          yield fresh
        }
        return
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof AppError) || !error.mayRecover) throw error
        failures += 1
        inARow += 1
        if (inARow >= retry.triesMax || failures === FAILURES_MAX) throw givenUp(error, failures)
        await sleep(pauseMs(inARow, retry, error), undefined, { signal })
      }
    }
  }

  return {
    get isStitched() {
      return answers > 1
    },
    [Symbol.asyncIterator]: read,
  }
}

function pauseMs(inARow: number, retry: RetryPolicy, { retryAfterSeconds = 0 }: AppError): number {
  const growing = Math.min(retry.pauseMs * 2 ** (inARow - 1), PAUSE_MS_MAX)
  // Imports that failed together must not all come back together.
  const jittered = growing * (0.5 + Math.random())
  return Math.max(jittered, Math.min(retryAfterSeconds * 1000, RETRY_AFTER_MS_MAX))
}

function changed({ origin, pathname }: URL): AppError {
  return new AppError('SourceChanged', `${origin}${pathname} changed while it was read.`)
}

function givenUp(error: AppError, tries: number): AppError {
  if (tries === 1) return error
  return new AppError(error.code, `${error.message} Given up after ${tries} tries.`, {
    ...(error.errorDetail !== undefined && { errorDetail: error.errorDetail }),
    mayRecover: true,
    cause: error.cause,
  })
}
