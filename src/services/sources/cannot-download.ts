import { AppError } from '../../domain/errors.ts'

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

/** What happened to a payload file as the error that an import ends with, in the words of the original service (recorded traffic, 2021). */
export function cannotProcessFile(file: { title: string; fileName: string }, reason: AppError): AppError {
  return new AppError('CannotProcessUpdateFile', 'Error processing source file.', {
    target: file.fileName,
    inner: isScanError(reason) ? reason : cannotDownload('ContentFileCannotDownload', file, reason),
  })
}

/** These have documented codes of their own beside `ContentFileCannotDownload`. */
function isScanError({ code }: AppError): boolean {
  return code === 'SourceFileMalwareDetected' || code === 'SourceFileNotScanned'
}
