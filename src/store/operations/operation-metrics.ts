import type { OperationKind, OperationStatus } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** Operations of one kind and status that have not ended. */
export interface OperationsInProgress {
  kind: OperationKind
  status: OperationStatus
  count: number
  /** Since the oldest of them was recorded. */
  oldestAgeMs: number
}

/**
 * Counts what has not ended, in every instance. Those have an index of their own, so the million that have ended cost nothing: how many of
 * them there are is counted as they end.
 */
export async function countOperationsInProgress(database: Database): Promise<OperationsInProgress[]> {
  const rows = await database.query(
    `select kind, status, count(*) as number, ${NOW} - min(created_at) as oldest_age
       from operations where due_at is not null group by kind, status`,
  )
  return rows.map((row) => ({
    kind: String(row.kind) as OperationKind,
    status: String(row.status) as OperationStatus,
    count: Number(row.number),
    oldestAgeMs: Math.max(0, Number(row.oldest_age)),
  }))
}
