import type { InnerError, Operation } from '../../src/client/api-types.ts'
import type { AppError } from '../../src/domain/errors.ts'

/** What really happened to a failed operation, beneath the codes that the original service has for it. */
export function innermostOf({ error }: Operation): { code: string; message: string } {
  let { code, message } = error ?? { code: 'no error', message: '' }
  for (let inner: InnerError | undefined = error?.innererror; inner !== undefined; inner = inner.innerError) {
    code = inner.code
    message = inner.message ?? message
  }
  return { code, message }
}

/** The same of an error that was thrown. */
export function innermostError(error: AppError): AppError {
  return error.inner === undefined ? error : innermostError(error.inner)
}
