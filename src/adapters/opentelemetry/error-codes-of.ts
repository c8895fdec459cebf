import { AppError } from '../../domain/errors.ts'

/** The stable codes of an error: that of the whole, and that of what really happened. No sentence, since those name files and addresses. */
export function errorCodesOf(error: unknown): { outer: string; innermost: string } {
  if (!(error instanceof AppError)) {
    // What ends an attempt without an error of its own says so by its name, and so does an abort.
    const name = error instanceof Error && error.name !== 'Error' ? error.name : 'InternalError'
    return { outer: name, innermost: name }
  }
  let innermost = error
  while (innermost.inner !== undefined) innermost = innermost.inner
  return { outer: error.code, innermost: innermost.code }
}
