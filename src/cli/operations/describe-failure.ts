import type { InnerError, OperationError } from '../../client/api-types.ts'
import { ERROR_CODES } from '../../domain/error-codes.ts'

/** Of very many mistakes a person mends the first ones first. */
const DETAILS_MAX = 20
const REMEDIES_MAX = 3

/**
 * Why an operation failed, in lines: the most precise sentence that the server has, every single mistake with its
 * place, and what to do. The general sentences around it say nothing that the precise one does not. `titleOf` tells
 * which input of a request a mistake is about.
 */
export function describeFailure(
  error: OperationError,
  { titleOf = () => undefined }: { titleOf?: (item: number) => string | undefined } = {},
): string[] {
  const { details = [] } = error
  const all = details.length > 0 ? details : [error]
  const left = details.length - DETAILS_MAX
  const remedies = new Set(all.flatMap((each) => remedyOf(innermost(each).code) ?? []))
  return [
    // What it sums up follows.
    ...(details.length > 0 && error.code !== 'ImportWouldFail' ? [sentence(error)] : []),
    ...all.slice(0, DETAILS_MAX).map((each) => {
      const title = each.item === undefined ? undefined : titleOf(each.item)
      return `${details.length > 0 ? '  ' : ''}${title === undefined ? '' : `${title}: `}${sentence(each)}`
    }),
    ...(left > 0 ? [`  and ${left} more; --json names them.`] : []),
    ...[...remedies].slice(0, REMEDIES_MAX).map((remedy) => `What to do: ${remedy}`),
  ]
}

function sentence(error: OperationError): string {
  const { code, message } = innermost(error)
  const isPlaced = error.target === undefined || error.target === '' || message.includes(error.target)
  return `${isPlaced ? '' : `${error.target}: `}${message} [${code}]`
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
