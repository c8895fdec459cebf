import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { ClaimedOperation } from '../../domain/operation.ts'
import { formatUpdateId, type UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { deleteUpdate } from '../../store/updates/delete-update.ts'
import { findUpdate, listChildIds } from '../../store/updates/updates.ts'
import { LostAttempt } from '../operations/attempt-end.ts'

/** A parent may come or go between looking and deleting; that many times in a row is no accident any more. */
const TRIES_MAX = 5

/**
 * Runs one attempt at a deletion. A child in use is not deleted: the error says by which updates. Throws `AppError` where the
 * deletion must fail, and `LostAttempt` where another worker has it by now.
 */
export async function runDeletion(operation: ClaimedOperation, updateId: UpdateId, database: Database): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const update = await findUpdate(database, operation.instance, updateId)
    const title = formatUpdateId(updateId)
    if (update === undefined) throw new AppError('UpdateNotFound', `The update ${title} is not there any more.`)
    if (update.referencedBy.length > 0) {
      throw new AppError(
        'UpdateInUse',
        `The update ${title} is referenced by ${namesOf(update.referencedBy)}. Delete those first.`,
        {
          target: title,
          details: update.referencedBy.slice(0, LIMITS.findingsMax).map(
            (parent) =>
              new AppError('UpdateInUse', `Referenced by ${formatUpdateId(parent)}.`, {
                target: formatUpdateId(parent),
              }),
          ),
        },
      )
    }
    const childIds = await listChildIds(database, update.id)
    const refusal = await deleteUpdate(database, { attempt: operation, id: update.id, childIds })
    if (refusal === undefined) return
    if (refusal === 'lost-attempt' || tries === TRIES_MAX) throw new LostAttempt()
  }
}

/** A child may have thousands of parents; a sentence has room for a few. */
function namesOf(parents: readonly UpdateId[]): string {
  const named = parents.slice(0, 5).map(formatUpdateId).join(', ')
  return parents.length > 5 ? `${named} and ${parents.length - 5} more` : named
}
