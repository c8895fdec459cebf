import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'

/** How long a store is waited for. */
export interface StorePatience {
  /** For a connection, TLS included. */
  connectTimeoutMs: number
  /** For the next byte in either direction on a connection that is in use. */
  idleTimeoutMs: number
  /** Between the tries of a request, one more than there are pauses; half as long or half as long again by chance. */
  pausesMs: readonly number[]
}

/** A store that does not answer at all fails a request after half a minute, one that accepts connections and says nothing after three. */
export const STORE_PATIENCE: StorePatience = {
  connectTimeoutMs: 5000,
  idleTimeoutMs: 30_000,
  pausesMs: [200, 600, 1800, 5000],
}

/** What an SDK's error says about a request, with nothing in it that is secret. */
export interface RequestFailure {
  /** Of the answer; undefined where there was none. */
  status: number | undefined
  /** The store's name for it, such as `AccessDenied`, or the connection's sentence. */
  reason: string
  /** By which the store's operator finds the request in his logs. */
  requestId?: string | undefined
  retryAfterMs?: number | undefined
  /** Another try is worth it, though the status does not say so; or is not, though there was no answer. */
  isTransient?: boolean | undefined
}

/** A request that failed for good. */
export class StoreCallFailed extends AppError {
  readonly status: number | undefined
  readonly reason: string

  constructor(message: string, { status, reason, requestId }: RequestFailure, mayRecover: boolean) {
    // The SDK's error is no cause: it has the whole request with its signatures, and causes are logged.
    super('StoreFailed', message, { mayRecover, ...(requestId && { errorDetail: `request id ${requestId}` }) })
    this.status = status
    this.reason = reason
  }
}

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** False where nobody should wait for it long. */
  isRepeated?: boolean
}

/**
 * Sends a request until it succeeds, fails for good, or was tried often enough. `doing` completes "… could not …" in the message of the
 * `StoreCallFailed` that is thrown.
 */
export type CallStore = <T>(doing: string, request: () => Promise<T>, options?: CallOptions) => Promise<T>

// Request timeouts, too many requests, and what servers and proxies say while they are overloaded or restarted.
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504])

const RETRY_AFTER_MS_MAX = 30_000

/** Makes the function by which everything is asked of one store, `title`. `read` understands what its SDK throws. */
export function callStore(
  { title, read }: { title: string; read: (error: unknown) => RequestFailure },
  { pausesMs }: StorePatience,
): CallStore {
  return async (doing, request, { signal, isRepeated = true } = {}) => {
    for (let tries = 0; ; tries += 1) {
      signal?.throwIfAborted()
      try {
        return await request()
      } catch (error) {
        signal?.throwIfAborted()
        const failure = read(error)
        const { status, reason, retryAfterMs = 0 } = failure
        const isTransient = failure.isTransient ?? (status === undefined || TRANSIENT.has(status))
        const pauseMs = isRepeated && isTransient ? pausesMs[tries] : undefined
        if (pauseMs === undefined) {
          const answer = status === undefined ? reason : `it answered ${status} ${reason}`
          const times = tries === 0 ? '' : ` (${tries + 1} tries)`
          throw new StoreCallFailed(
            `The store ${title} could not ${doing}: ${answer}${times}.${adviceFor(status)}`,
            failure,
            isTransient,
          )
        }
        const chance = 0.5 + Math.random()
        await sleep(Math.max(pauseMs * chance, Math.min(retryAfterMs, RETRY_AFTER_MS_MAX)), undefined, { signal })
      }
    }
  }
}

function adviceFor(status: number | undefined): string {
  if (status === 401 || status === 403)
    return ' Check the credentials, what they may do, and the clock of this machine.'
  return ''
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof StoreCallFailed && error.status === status
}

/** Whether an object is not there, rather than the whole bucket or container. */
export function isNotThere(error: unknown): boolean {
  return isStatus(error, 404) && !isPlaceMissing(error)
}

/** Whether the whole bucket or container is not there. */
export function isPlaceMissing(error: unknown): boolean {
  return error instanceof StoreCallFailed && ['NoSuchBucket', 'ContainerNotFound'].includes(error.reason)
}

/** Whether a connection that failed with this code may do better the next time, which one to a server that is not trusted will not. */
export function isPassing(code: string): boolean {
  return !/CERT|TLS|SSL|SIGNATURE|^EPROTO$/.test(code)
}

/** The first line of what an error says, as a part of a sentence. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return (message.split('\n', 1)[0] ?? '').replace(/\.$/, '')
}
