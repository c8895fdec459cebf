import { ApiError } from '../../../src/client/api-error.ts'
import { ERROR_CODES } from '../../../src/domain/error-codes.ts'

/** An error as a visitor gets to know it: what happened, about what, and what to do. */
export interface Explanation {
  /** Stable, as in docs/errors.md. */
  code: string | undefined
  message: string
  target: string | undefined
  /** Sentences with `code` in backticks. */
  remedy: string | undefined
  details: readonly { code: string; message: string; target: string | undefined }[]
}

/** The remedy of the table speaks of paths, which nobody types here. */
const GONE = 'Perhaps it was deleted, or the address was cut off.'

interface Envelope {
  error?: { target?: string; details?: { code: string; message: string; target?: string }[] }
}

export function explainError(error: unknown): Explanation {
  if (error instanceof ApiError) {
    const { error: body } = (typeof error.body === 'object' && error.body !== null ? error.body : {}) as Envelope
    return {
      code: error.code,
      message: error.message,
      target: body?.target,
      remedy: error.code === 'NotFound' ? GONE : remedyOf(error.code),
      details: (body?.details ?? []).map(({ target, ...detail }) => ({ ...detail, target })),
    }
  }
  const nothing = { code: undefined, target: undefined, details: [] }
  // What `fetch` throws where nobody answers differs from browser to browser, and says less.
  if (error instanceof TypeError) {
    return {
      ...nothing,
      message: 'The server does not answer.',
      remedy: 'Check that it runs and that you can reach it, then try again.',
    }
  }
  return { ...nothing, message: error instanceof Error ? error.message : String(error), remedy: undefined }
}

/** What to do about a code; undefined where nobody knows. */
export function remedyOf(code: string): string | undefined {
  return Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as keyof typeof ERROR_CODES].remedy : undefined
}
