import { AppError } from '../domain/errors.ts'

/**
 * Wraps what happened to a file in the error that clients of the original service know. Its message names the file as well, since
 * a source knows only its URL.
 */
export function cannotDownload(
  code: 'CannotDownload' | 'ContentFileCannotDownload',
  { title }: { title: string },
  reason: AppError,
): AppError {
  const message = reason.message.includes(title) ? reason.message : `${title}: ${reason.message}`
  const { errorDetail } = reason
  return new AppError(code, message, { inner: reason, ...(errorDetail !== undefined && { errorDetail }) })
}
