import { isGuardConflict } from '../ports/database.ts'

/**
 * Whether a batch happened: true, or false where one of its guards did not hold, so that it changed nothing. Throws
 * whatever else it threw.
 */
export async function held(batch: Promise<void>): Promise<boolean> {
  try {
    await batch
    return true
  } catch (error) {
    if (isGuardConflict(error)) return false
    throw error
  }
}
