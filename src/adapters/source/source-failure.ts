import { AppError } from '../../domain/errors.ts'
import { AddressRefused } from './source-connect.ts'
import type { SourceLimits } from './source-limits.ts'

/** What `place` is in all of these: the URL without its query, since the signature there is a secret. */
export function nameOf(url: URL): string {
  return url.origin + url.pathname
}

/** What went wrong before the source had answered, as the error that the operation shows. */
export function failureToAnswer(error: unknown, { place, limits }: { place: string; limits: SourceLimits }): AppError {
  if (error instanceof AddressRefused) {
    return new AppError('SourceRefused', `${place} is not fetched: ${error.message}`, { cause: error })
  }
  const code = codeOf(error)
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return timeout(`${place}: no connection within ${limits.connectMs / 1000} s.`, error)
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return timeout(`${place}: connected, but no answer within ${limits.silenceMs / 1000} s.`, error)
  }
  const reason = REASONS[code] ?? textOf(error)
  return new AppError('SourceUnreachable', `${place}: ${reason}. Check the URL and that the source is up.`, {
    errorDetail: textOf(error),
    mayRecover: TRANSIENT.has(code),
    cause: error,
  })
}

/** What went wrong while the bytes came, after `got` of them. */
export function failureToRead(
  error: unknown,
  { place, limits, ...facts }: { place: string; limits: SourceLimits; got: number; sizeInBytes: number | undefined },
): AppError {
  if (error instanceof AppError) return error
  const progress = `after ${progressOf(facts)}`
  if (codeOf(error) === 'UND_ERR_BODY_TIMEOUT') {
    return timeout(`${place}: nothing came for ${limits.silenceMs / 1000} s, ${progress}.`, error)
  }
  return new AppError('SourceTruncated', `${place}: the source broke off ${progress}. Try again.`, {
    errorDetail: textOf(error),
    mayRecover: true,
    cause: error,
  })
}

/** How far reading came, where it is known how much there should be. */
export function progressOf({ got, sizeInBytes }: { got: number; sizeInBytes: number | undefined }): string {
  return sizeInBytes === undefined ? `${got} bytes` : `${got} of ${sizeInBytes} bytes`
}

/** The source took too long; the sentence says for what. */
export function timeout(sentence: string, cause?: unknown): AppError {
  return new AppError('SourceTimeout', `${sentence} Try again, or use a faster source.`, { mayRecover: true, cause })
}

/** Everything together took too long: trying again would not make it shorter. */
export function tooLong(place: string, { totalMs }: SourceLimits): AppError {
  return new AppError('SourceTimeout', `${place}: not finished within ${totalMs / 1000} s. Use a faster source.`)
}

/** The source answered, but with another status than 200. `errorDetail` is worded as in recorded traffic, 2021. */
export function statusFailure({
  place,
  statusCode,
  statusText,
  azureCode,
  retryAfter,
}: {
  place: string
  statusCode: number
  statusText: string
  /** Azure Storage's `x-ms-error-code`. */
  azureCode: string | undefined
  /** The header of that name: only its form in seconds is heeded. */
  retryAfter: string | undefined
}): AppError {
  const reason = statusText === '' ? '' : ` (${printable(statusText)})`
  const azure = azureCode === undefined ? '' : ` x-ms-error-code: ${printable(azureCode)}.`
  return new AppError(
    'SourceStatus',
    `${place} answered ${statusCode}${reason} instead of 200. Check that the URL is right and readable without signing in.`,
    {
      errorDetail: `Response status code does not indicate success: ${statusCode}${reason}.${azure}`,
      mayRecover: statusCode === 408 || statusCode === 429 || (statusCode >= 500 && statusCode !== 501),
      ...(retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) && { retryAfterSeconds: Number(retryAfter) }),
    },
  )
}

// A name that does not exist, a wrong certificate or a source that speaks no HTTP stay so until somebody acts.
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke before an answer came',
  EPIPE: 'the connection broke before an answer came',
  UND_ERR_SOCKET: 'the connection broke before an answer came',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the host',
  EADDRNOTAVAIL: 'this machine has no address or port left to connect from',
  EMFILE: 'this server has too many files and connections open',
  UND_ERR_DESTROYED: 'this server is stopping',
}
const TRANSIENT = new Set(Object.keys(REASONS).filter((code) => code !== 'ENOTFOUND'))

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function textOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : codeOf(error) || 'unknown failure'
}

/** What a source wrote, made fit for a sentence: one line, not long. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500)
}
