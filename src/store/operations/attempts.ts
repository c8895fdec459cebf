import type { Attempt, ClaimedOperation, OperationError } from '../../domain/operation.ts'
import type { Database, Statement } from '../../ports/database.ts'
import { idleHeldBlobs } from '../blobs/blobs.ts'
import { NOW } from '../clock.ts'
import { newEtag } from '../etags.ts'
import { tellEnded } from '../events/events.ts'
import { freeUploads } from '../staging/staged-uploads.ts'

/** For each instance, since when an operation waits, and how many run. */
const TURNS = `
  select instances.instance,
         (select min(due_at) from operations
           where instance = instances.instance and due_at <= ${NOW}) as waits_since,
         (select count(*) from operations
           where instance = instances.instance and status = 'Running' and due_at > ${NOW}) as running
    from instances`

/**
 * Hands an operation to the caller, for `leaseMs`: that which has waited longest in the instance that has fewest running, so that nobody's
 * bulk import keeps others waiting. An operation whose lease ran out is handed out again: crashes never count as failures. Instances
 * with `instanceMax` operations running have to wait, so that there is a place for whoever comes.
 *
 * The condition on `due_at` is repeated on purpose: on PostgreSQL two nodes may pick the same row, and the second must find it taken.
 */
export async function claimOperation(
  database: Database,
  leaseMs: number,
  instanceMax = Number.MAX_SAFE_INTEGER,
): Promise<ClaimedOperation | undefined> {
  const [row] = await database.query(
    `update operations
        set status = 'Running', attempt = attempt + 1, due_at = ${NOW} + $1, last_action_at = ${NOW}, etag = $2
      where id = (select id from operations
                   where due_at <= ${NOW}
                     and instance = (select instance from (${TURNS}) turns
                                      where waits_since is not null and running < $3
                                      order by running, waits_since limit 1)
                   order by due_at, id limit 1)
        and due_at <= ${NOW}
      returning id, instance, request, attempt, created_at, trace_id, trace_span`,
    [leaseMs, newEtag(), instanceMax],
  )
  if (row === undefined) return undefined
  return {
    operationId: String(row.id),
    instance: String(row.instance),
    request: JSON.parse(String(row.request)),
    attempt: Number(row.attempt),
    createdAt: Number(row.created_at),
    traceId: String(row.trace_id),
    ...(row.trace_span !== null && { traceparent: `00-${row.trace_id}-${row.trace_span}` }),
  }
}

/** Keeps the lease for another `leaseMs`. False if the attempt no longer holds it: whoever called must stop. */
export async function renewLease(
  database: Database,
  { operationId, attempt }: Attempt,
  leaseMs: number,
): Promise<boolean> {
  const rows = await database.query(
    `update operations set due_at = ${NOW} + $1 where id = $2 and attempt = $3 and status = 'Running' returning id`,
    [leaseMs, operationId, attempt],
  )
  return rows.length === 1
}

/** Whether the attempt still holds the operation. Another may take it the moment after. */
export async function holdsOperation(database: Database, { operationId, attempt }: Attempt): Promise<boolean> {
  const rows = await database.query(
    `select 1 as held from operations where id = $1 and attempt = $2 and status = 'Running'`,
    [operationId, attempt],
  )
  return rows.length > 0
}

/** Gives an operation back unfinished, so that the next worker can take it at once. */
export async function releaseLease(database: Database, { operationId, attempt }: Attempt): Promise<void> {
  await database.query(`update operations set due_at = ${NOW} where id = $1 and attempt = $2 and status = 'Running'`, [
    operationId,
    attempt,
  ])
}

/** Frees what a dead process held. Only for a process that knows it is the only one. */
export async function releaseAllLeases(database: Database): Promise<void> {
  await database.query(`update operations set due_at = ${NOW} where status = 'Running'`)
}

/**
 * The statement that every batch of a worker begins with: it changes a row only if the attempt still holds the operation, so a
 * worker that lost its lease changes nothing.
 */
export function guardAttempt({ operationId, attempt }: Attempt): Statement {
  return {
    sql: `update operations set last_action_at = ${NOW}, etag = $1 where id = $2 and attempt = $3 and status = 'Running'`,
    params: [newEtag(), operationId, attempt],
    mustChangeRows: true,
  }
}

/** Ends the operation, and tells so. The request is wiped and what it held is freed. */
export function endStatements(
  attempt: Attempt,
  end: { status: 'Succeeded' } | { status: 'Failed'; error: OperationError },
): Statement[] {
  return [
    {
      sql: `update operations set status = $1, error = $2, ended_at = ${NOW}, last_action_at = ${NOW}, due_at = null,
              request = null, etag = $3
            where id = $4 and attempt = $5 and status = 'Running'`,
      params: [
        end.status,
        end.status === 'Failed' ? JSON.stringify(end.error) : null,
        newEtag(),
        attempt.operationId,
        attempt.attempt,
      ],
      mustChangeRows: true,
    },
    // What a failed import fetched, sweep may take; a published update names its blobs by now.
    ...(end.status === 'Failed' ? [idleHeldBlobs(attempt.operationId)] : []),
    { sql: 'delete from blob_holds where operation_id = $1', params: [attempt.operationId] },
    ...freeUploads(attempt.operationId),
    tellEnded(attempt.operationId, end.status === 'Failed' ? end.error : undefined),
  ]
}
