import type { Attempt } from '../../domain/operation.ts'
import { BatchConflict, type Database } from '../../ports/database.ts'
import { idleBlobsOf } from '../blobs/blobs.ts'
import { dropCopiesOf } from '../distribution/distribution.ts'
import { newEtag } from '../etags.ts'
import { tellDeleted } from '../events/events.ts'
import { endStatements } from '../operations/attempts.ts'

/** What forbade a deletion. `changed`: the references changed meanwhile, so the caller looks again. */
export type DeletionRefusal = 'lost-attempt' | 'changed'

/**
 * Deletes an update and those of its children that nothing else references, and ends the operation, in one batch. The bytes
 * are left to sweep.
 */
export async function deleteUpdate(
  database: Database,
  { attempt, id, childIds }: { attempt: Attempt; id: string; childIds: readonly string[] },
): Promise<DeletionRefusal | undefined> {
  const guards = endStatements(attempt, { status: 'Succeeded' })
  try {
    await database.batch([
      ...guards,
      idleBlobsOf(id),
      dropCopiesOf(id),
      tellDeleted(attempt.operationId, id),
      // Its references to children go with it. That it is referenced itself is a foreign-key conflict.
      { sql: 'delete from updates where id = $1', params: [id], mustChangeRows: true },
      ...childIds.flatMap((childId) => [
        idleBlobsOf(childId),
        dropCopiesOf(childId),
        tellDeleted(attempt.operationId, childId),
        {
          sql: `delete from updates where id = $1
                  and not exists (select 1 from update_references where child_id = $1)`,
          params: [childId],
        },
        // A child that stays has lost a parent: its `referencedBy` has changed.
        { sql: 'update updates set etag = $1 where id = $2', params: [newEtag(), childId] },
      ]),
    ])
    return undefined
  } catch (error) {
    if (!(error instanceof BatchConflict)) throw error
    return error.statement < guards.length ? 'lost-attempt' : 'changed'
  }
}
