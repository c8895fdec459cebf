import type { ErrorCode } from '../domain/error-codes.ts'
import type { AppError } from '../domain/errors.ts'
import { type JsonValue, jsonText } from '../domain/json-text.ts'

/** The only place where codes and HTTP statuses meet. */
const STATUSES: Partial<Record<ErrorCode, { status: number; title: string }>> = {
  InvalidRequest: { status: 400, title: 'Bad Request' },
  UnsupportedApiVersion: { status: 400, title: 'Bad Request' },
  Unauthenticated: { status: 401, title: 'Unauthorized' },
  PermissionMissing: { status: 403, title: 'Forbidden' },
  NotFound: { status: 404, title: 'Not Found' },
  RequestTooLarge: { status: 413, title: 'Payload Too Large' },
  UnsupportedMediaType: { status: 415, title: 'Unsupported Media Type' },
  RangeNotSatisfiable: { status: 416, title: 'Range Not Satisfiable' },
  NotImplemented: { status: 501, title: 'Not Implemented' },
  Unavailable: { status: 503, title: 'Service Unavailable' },
}

const INTERNAL = { status: 500, title: 'Internal Server Error' }

/** The HTTP status of an answer with this code. */
export function statusOf(code: ErrorCode): number {
  return (STATUSES[code] ?? INTERNAL).status
}

export interface Problem {
  status: number
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
  return { status, body: jsonText(body) }
}
