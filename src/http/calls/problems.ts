import type { ErrorCode } from '../../domain/error-codes.ts'
import type { AppError } from '../../domain/errors.ts'
import { type JsonValue, jsonText } from '../../domain/json-text.ts'
import { DELEGATED_SCOPE } from '../../domain/token-identity.ts'

/** The only place where codes and HTTP statuses meet. */
const STATUSES: Partial<Record<ErrorCode, { status: number; title: string }>> = {
  InvalidRequest: { status: 400, title: 'Bad Request' },
  UnsupportedApiVersion: { status: 400, title: 'Bad Request' },
  Unauthenticated: { status: 401, title: 'Unauthorized' },
  PermissionMissing: { status: 403, title: 'Forbidden' },
  LoginCodeRefused: { status: 403, title: 'Forbidden' },
  CrossSiteRequest: { status: 403, title: 'Forbidden' },
  NotFound: { status: 404, title: 'Not Found' },
  ScannerNotConfigured: { status: 409, title: 'Conflict' },
  UploadOffsetWrong: { status: 409, title: 'Conflict' },
  UploadExpired: { status: 410, title: 'Gone' },
  TusVersionUnsupported: { status: 412, title: 'Precondition Failed' },
  UploadTooLarge: { status: 413, title: 'Payload Too Large' },
  StagingFull: { status: 413, title: 'Payload Too Large' },
  RequestTooLarge: { status: 413, title: 'Payload Too Large' },
  UnsupportedMediaType: { status: 415, title: 'Unsupported Media Type' },
  RangeNotSatisfiable: { status: 416, title: 'Range Not Satisfiable' },
  UnexpectedHost: { status: 421, title: 'Misdirected Request' },
  TooManyRequests: { status: 429, title: 'Too Many Requests' },
  NotImplemented: { status: 501, title: 'Not Implemented' },
  DatabaseFailed: { status: 503, title: 'Service Unavailable' },
  Unavailable: { status: 503, title: 'Service Unavailable' },
  StoreFailed: { status: 503, title: 'Service Unavailable' },
  StoreFull: { status: 507, title: 'Insufficient Storage' },
}

const CONTENT_TYPE = 'application/problem+json; charset=utf-8'

const INTERNAL = { status: 500, title: 'Internal Server Error' }

/** The HTTP status of an answer with this code. */
export function statusOf(code: ErrorCode): number {
  return (STATUSES[code] ?? INTERNAL).status
}

export interface Problem {
  status: number
  headers: Record<string, string>
  body: string
}

/**
 * The answer to a failed request. The body has the members of the problem document that the original service sends (recorded
 * traffic, 2021 and 2022) and the `error` envelope of its specification, since clients read one or the other.
 */
export function problemOf(error: AppError, traceparent: string): Problem {
  const { status, title } = STATUSES[error.code] ?? INTERNAL
  const body: JsonValue = {
    type: status === 404 ? 'https://tools.ietf.org/html/rfc7231#section-6.5.4' : 'about:blank',
    title,
    status,
    traceId: traceparent,
    error: {
      code: error.code,
      message: error.message,
      target: error.target,
      ...(error.details.length > 0 && {
        details: error.details.map(({ code, message, target }) => ({ code, message, target })),
      }),
    },
  }
  return {
    status,
    headers: { 'content-type': CONTENT_TYPE, traceparent, ...headersOf(error, status) },
    body: jsonText(body),
  }
}

/** What a client needs besides the body to do better the next time. */
function headersOf(error: AppError, status: number): Record<string, string> {
  if (status === 401) {
    // RFC 6750, 3: a request without a token gets no error code.
    const flaw = error.target === 'authorization' ? '' : ', error="invalid_token"'
    return { 'www-authenticate': `Bearer realm="aduana"${flaw}` }
  }
  if (status === 403 && error.target === DELEGATED_SCOPE) {
    return { 'www-authenticate': `Bearer realm="aduana", error="insufficient_scope", scope="${DELEGATED_SCOPE}"` }
  }
  if (status === 412) return { 'tus-version': '1.0.0' }
  const retryAfterSeconds = error.retryAfterSeconds ?? (status === 503 ? 5 : undefined)
  return retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
}
