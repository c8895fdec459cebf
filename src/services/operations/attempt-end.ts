import { AppError } from '../../domain/errors.ts'
import { isGuardConflict } from '../../ports/database.ts'

/** Another worker holds the operation by now, or nobody: this attempt must change nothing more. */
export class LostAttempt extends Error {
  override readonly name = 'LostAttempt'
}

/** Whether an attempt ended since it no longer holds its operation, however it found out. */
export function isLost(error: unknown): boolean {
  return error instanceof LostAttempt || isGuardConflict(error)
}

/** The server is stopping; the operation goes on later, from where it is. */
export class Parked extends Error {
  override readonly name = 'Parked'
}

/** Whether the database failed, wherever in the attempt: neither the caller nor the source can help it, so the operation must not fail. */
export function isDatabaseFailure(error: unknown): boolean {
  if (!(error instanceof AppError)) return false
  return error.code === 'DatabaseFailed' || [error.inner, ...error.details].some(isDatabaseFailure)
}
