import type { ImportRequest } from '../domain/import-request.ts'
import type {
  FileProgress,
  Operation,
  OperationError,
  OperationKind,
  OperationStatus,
  UpdateInfo,
} from '../domain/operation.ts'
import type { UpdateId } from '../domain/update-id.ts'
import type { Database, Row, SqlValue, Statement } from '../ports/database.ts'
import { idleHeldBlobs } from './blobs.ts'
import { newEtag } from './etags.ts'

const NOW = '(select now_ms from clock)'

/** What an operation is to do. Kept only until it ends, since source URLs carry signatures. */
export type OperationRequest = ({ kind: 'import' } & ImportRequest) | { kind: 'delete'; updateId: UpdateId }

export interface NewOperation {
  operationId: string
  instance: string
  request: OperationRequest
  /** The subject of the caller's token. */
  requestedBy: string
  traceId: string
}

/** Records an operation that waits for a worker. */
export async function recordOperation(database: Database, operation: NewOperation): Promise<void> {
  const { operationId, instance, request, requestedBy, traceId } = operation
  const statements: Statement[] = [
    {
      sql: `insert into operations (id, instance, kind, status, request, requested_by, trace_id,
              created_at, last_action_at, due_at, attempt, etag)
            values ($1, $2, $3, 'NotStarted', $4, $5, $6, ${NOW}, ${NOW}, ${NOW}, 0, $7)`,
      params: [operationId, instance, request.kind, JSON.stringify(request), requestedBy, traceId, newEtag()],
    },
  ]
  if (request.kind === 'delete') {
    statements.push(insertItem(operationId, 0, { updateId: request.updateId }, true))
  }
  await database.batch(statements)
}

/** An operation in the hands of a worker. `attempt` is its fencing token. */
export interface ClaimedOperation {
  operationId: string
  instance: string
  request: OperationRequest
  attempt: number
  /** Milliseconds since 1970. */
  createdAt: number
}

/**
 * Hands the operation that has waited longest to the caller, for `leaseMs`. An operation whose lease ran out is handed out
 * again: crashes never count as failures. The condition on `due_at` is repeated on purpose: on PostgreSQL two nodes may pick
 * the same row, and the second must find it taken.
 */
export async function claimOperation(database: Database, leaseMs: number): Promise<ClaimedOperation | undefined> {
  const [row] = await database.query(
    `update operations
        set status = 'Running', attempt = attempt + 1, due_at = ${NOW} + $1, last_action_at = ${NOW}, etag = $2
      where id = (select id from operations where due_at <= ${NOW} order by due_at, id limit 1)
        and due_at <= ${NOW}
      returning id, instance, request, attempt, created_at`,
    [leaseMs, newEtag()],
  )
  if (row === undefined) return undefined
  return {
    operationId: String(row.id),
    instance: String(row.instance),
    request: JSON.parse(String(row.request)),
    attempt: Number(row.attempt),
    createdAt: Number(row.created_at),
  }
}

/** Which attempt at which operation: what every write of a worker is guarded by. */
export type Attempt = Pick<ClaimedOperation, 'operationId' | 'attempt'>

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

/** Ends the operation. The request is wiped and what it held is freed. */
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
  ]
}

/** Notes which updates the operation is about. `shown` is the index of the one that the API names. */
export async function noteItems(
  database: Database,
  attempt: Attempt,
  items: readonly UpdateInfo[],
  shown: number,
): Promise<void> {
  await database.batch([
    guardAttempt(attempt),
    { sql: 'delete from operation_items where operation_id = $1', params: [attempt.operationId] },
    ...items.map((item, ordinal) => insertItem(attempt.operationId, ordinal, item, ordinal === shown)),
  ])
}

function insertItem(operationId: string, ordinal: number, item: UpdateInfo, shown: boolean): Statement {
  const { provider, name, version } = item.updateId
  return {
    sql: `insert into operation_items (operation_id, ordinal, provider, name, version, description, friendly_name, shown)
          values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    params: [operationId, ordinal, provider, name, version, item.description ?? null, item.friendlyName ?? null, shown],
  }
}

const SELECT_OPERATION = `
  select o.id, o.instance, o.kind, o.status, o.error, o.trace_id, o.created_at, o.last_action_at, o.etag,
         i.provider, i.name, i.version, i.description, i.friendly_name
    from operations o left join operation_items i on i.operation_id = o.id and i.shown = $1`

export async function findOperation(
  database: Database,
  instance: string,
  operationId: string,
): Promise<Operation | undefined> {
  const [row] = await database.query(`${SELECT_OPERATION} where o.id = $2 and o.instance = $3`, [
    true,
    operationId,
    instance,
  ])
  return row && operationOf(row)
}

/** Where a page of operations begins: after this one. */
export interface OperationPosition {
  createdAt: number
  operationId: string
}

/** Operations of one kind, newest first. */
export async function listOperations(
  database: Database,
  query: {
    instance: string
    kind: OperationKind
    statuses?: readonly OperationStatus[]
    after?: OperationPosition | undefined
    limit: number
  },
): Promise<Operation[]> {
  const params: SqlValue[] = [true, query.instance, query.kind]
  const bind = (value: SqlValue) => `$${params.push(value)}`
  let where = 'o.instance = $2 and o.kind = $3'
  if (query.statuses) where += ` and o.status in (${query.statuses.map(bind).join(', ')})`
  if (query.after)
    where += ` and (o.created_at, o.id) < (${bind(query.after.createdAt)}, ${bind(query.after.operationId)})`
  const rows = await database.query(
    `${SELECT_OPERATION} where ${where} order by o.created_at desc, o.id desc limit ${bind(query.limit)}`,
    params,
  )
  return rows.map(operationOf)
}

function operationOf(row: Row): Operation {
  return {
    operationId: String(row.id),
    instance: String(row.instance),
    kind: String(row.kind) as OperationKind,
    status: String(row.status) as OperationStatus,
    ...(row.provider !== null && {
      update: {
        updateId: { provider: String(row.provider), name: String(row.name), version: String(row.version) },
        ...(row.description !== null && { description: String(row.description) }),
        ...(row.friendly_name !== null && { friendlyName: String(row.friendly_name) }),
      },
    }),
    ...(row.error !== null && { error: JSON.parse(String(row.error)) as OperationError }),
    traceId: String(row.trace_id),
    createdAt: Number(row.created_at),
    lastActionAt: Number(row.last_action_at),
    etag: String(row.etag),
  }
}

/** Every update that the operation is about, in the order of the request. */
export async function listItems(database: Database, operationId: string): Promise<UpdateInfo[]> {
  const rows = await database.query(
    'select provider, name, version, description, friendly_name from operation_items where operation_id = $1 order by ordinal',
    [operationId],
  )
  return rows.map((row) => ({
    updateId: { provider: String(row.provider), name: String(row.name), version: String(row.version) },
    ...(row.description !== null && { description: String(row.description) }),
    ...(row.friendly_name !== null && { friendlyName: String(row.friendly_name) }),
  }))
}

/** Forgets operations that ended more than `ageMs` ago, at most `limit` of them. Answers how many. */
export async function forgetOperations(database: Database, ageMs: number, limit: number): Promise<number> {
  const rows = await database.query(
    `delete from operations where id in
       (select id from operations where ended_at <= ${NOW} - $1 order by ended_at limit $2)
     returning id`,
    [ageMs, limit],
  )
  return rows.length
}

/** Which file of which input an import is busy with. */
export interface FilePosition {
  item: number
  ordinal: number
}

/** Notes the files that an import will fetch; what an earlier attempt noted about them stays. */
export async function noteFiles(
  database: Database,
  attempt: Attempt,
  files: readonly (FilePosition & { fileName: string; sizeInBytes: number })[],
): Promise<void> {
  await database.batch([
    guardAttempt(attempt),
    ...files.map(({ item, ordinal, fileName, sizeInBytes }) => ({
      sql: `insert into operation_files (operation_id, item, ordinal, file_name, size_in_bytes, bytes_done, phase)
            values ($1, $2, $3, $4, $5, 0, 'Waiting') on conflict (operation_id, item, ordinal) do nothing`,
      params: [attempt.operationId, item, ordinal, fileName, sizeInBytes],
    })),
  ])
}

/** Notes how far a file is. Progress is news, not truth: it leaves the operation's ETag alone. */
export async function noteProgress(
  database: Database,
  operationId: string,
  { item, ordinal }: FilePosition,
  progress: Pick<FileProgress, 'bytesDone' | 'phase'>,
): Promise<void> {
  await database.query(
    'update operation_files set bytes_done = $1, phase = $2 where operation_id = $3 and item = $4 and ordinal = $5',
    [progress.bytesDone, progress.phase, operationId, item, ordinal],
  )
}

/** How far the operation is with each file, in the order of the request. */
export async function listProgress(database: Database, operationId: string): Promise<(FileProgress & FilePosition)[]> {
  const rows = await database.query(
    `select item, ordinal, file_name, size_in_bytes, bytes_done, phase from operation_files
      where operation_id = $1 order by item, ordinal`,
    [operationId],
  )
  return rows.map((row) => ({
    item: Number(row.item),
    ordinal: Number(row.ordinal),
    fileName: String(row.file_name),
    sizeInBytes: Number(row.size_in_bytes),
    bytesDone: Number(row.bytes_done),
    phase: String(row.phase) as FileProgress['phase'],
  }))
}
