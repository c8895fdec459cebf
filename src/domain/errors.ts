import type { ErrorCode } from './error-codes.ts'

export interface ErrorFacts {
  /** What the error is about: a file name, or a JSON Pointer into the document that `message` speaks of. */
  target?: string
  /** Which input of an import request it is about, from 0, where that has to be told apart from the target. */
  item?: number
  /** Every single mistake, where there may be several. */
  details?: readonly AppError[]
  /** The more precise error behind this one, as clients of the original service expect it (`innererror`). */
  inner?: AppError
  /** The raw text from outside, such as an HTTP status line: for people who look closer. Never has secrets. */
  errorDetail?: string
  /** True where a later try may succeed without anybody's action. */
  mayRecover?: boolean
  /** Where a later try is worth it: after so many seconds. */
  retryAfterSeconds?: number
  cause?: unknown
}

/** An error that is part of the product: a stable code for programs, a sentence for people, and where it happened. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly target: string | undefined
  readonly item: number | undefined
  readonly details: readonly AppError[]
  readonly inner: AppError | undefined
  readonly errorDetail: string | undefined
  readonly mayRecover: boolean
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause })
    this.code = code
    this.target = facts.target
    this.item = facts.item
    this.details = facts.details ?? []
    this.inner = facts.inner
    this.errorDetail = facts.errorDetail
    this.retryAfterSeconds = facts.retryAfterSeconds
    this.mayRecover = facts.mayRecover ?? facts.inner?.mayRecover ?? false
  }
}
