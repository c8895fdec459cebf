import type { InnerError, OperationError } from '../../client/api-types.ts'
import { ERROR_CODES } from '../../domain/error-codes.ts'

/** Of very many mistakes a person mends the first ones first. */
const DETAILS_MAX = 20

/**
 * Why an operation failed, in lines: the most precise sentence that the server has, every single mistake with its place, and what to do. The
 * general sentences around it say nothing that the precise one does not.
 */
export function describeFailure(error: OperationError): string[] {
  const { code, message } = innermost(error)
  const { details = [] } = error
  const shown = details.slice(0, DETAILS_MAX)
  const remedies = new Set(
    [code, ...(details.length > 0 ? details.map((detail) => detail.code) : [])].flatMap((each) => remedyOf(each) ?? []),
  )
  return [
    `${error.target && !message.includes(error.target) ? `${error.target}: ` : ''}${message} [${code}]`,
    ...shown.map((detail) => `  ${detail.target ? `${detail.target}: ` : ''}${detail.message} [${detail.code}]`),
    ...(details.length > shown.length ? [`  and ${details.length - shown.length} more; --json names them.`] : []),
    ...[...remedies].slice(0, 3).map((remedy) => `What to do: ${remedy}`),
  ]
}

function innermost(error: OperationError): { code: string; message: string } {
  let found: { code: string; message: string } = error
  let inner: InnerError | undefined = error.innererror
  while (inner !== undefined) {
    found = { code: inner.code, message: inner.message ?? found.message }
    inner = inner.innerError
  }
  return found
}

function remedyOf(code: string): string | undefined {
  return Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as keyof typeof ERROR_CODES].remedy : undefined
}
