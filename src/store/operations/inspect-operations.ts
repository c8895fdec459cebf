import type { OperationKind, OperationStatus } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'
import { newEtag } from '../etags.ts'

/** An operation that has not ended. */
export interface UnfinishedOperation {
  operationId: string
  instance: string
  kind: OperationKind
  status: OperationStatus
  /** How long it has been due, by the database's clock: negative where it is not due yet, undefined where it never will be. */
  dueForMs: number | undefined
}

/** The operations that have not ended in the order of their ids, `limit` of them, the first one after `after`. */
export async function listUnfinished(
  database: Database,
  { after, limit }: { after: string; limit: number },
): Promise<UnfinishedOperation[]> {
  const rows = await database.query(
    `select id, instance, kind, status, ${NOW} - due_at as due_for_ms from operations
      where ended_at is null and id > $1 order by id limit $2`,
    [after, limit],
  )
  return rows.map((row) => ({
    operationId: String(row.id),
    instance: String(row.instance),
    kind: String(row.kind) as OperationKind,
    status: String(row.status) as OperationStatus,
    dueForMs: row.due_for_ms === null ? undefined : Number(row.due_for_ms),
  }))
}

/**
 * Makes an operation that has not ended due at once, if it is due never, or only in more than `farAheadMs`. False if it is not, such as
 * since a worker has taken it up meanwhile.
 */
export async function freeOperation(
  database: Database,
  { operationId, farAheadMs }: { operationId: string; farAheadMs: number },
): Promise<boolean> {
  const rows = await database.query(
    `update operations set due_at = ${NOW}, last_action_at = ${NOW}, etag = $1
      where id = $2 and ended_at is null and (due_at is null or due_at > ${NOW} + $3) returning id`,
    [newEtag(), operationId, farAheadMs],
  )
  return rows.length > 0
}
