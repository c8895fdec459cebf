import type { Attempt, Operation, OperationError, OperationKind, OperationStatus } from '../../domain/operation.ts'
import type { Database, Row, SqlValue } from '../../ports/database.ts'
import { NOW } from '../clock.ts'
import { guardAttempt } from './attempts.ts'

const SELECT_OPERATION = `
  select o.id, o.instance, o.kind, o.status, o.error, o.warnings, o.trace_id, o.created_at, o.last_action_at, o.etag,
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

/**
 * Something that is another one whenever the operation or its progress has changed; undefined where there is no such
 * operation. Costs less than reading all of it.
 */
export async function markOf(
  database: Database,
  { instance, operationId }: { instance: string; operationId: string },
): Promise<string | undefined> {
  // Phases only ever go one way within an attempt, and every attempt begins with a new etag.
  const [row] = await database.query(
    `select o.etag, count(f.phase) as files, sum(f.bytes_done) as bytes,
            sum(case f.phase when 'Downloading' then 1 when 'Distributing' then 1000 when 'Done' then 1000000 else 0 end) as phases
       from operations o left join operation_files f on f.operation_id = o.id
      where o.id = $1 and o.instance = $2 group by o.id, o.etag`,
    [operationId, instance],
  )
  return row && `${row.etag} ${row.files} ${row.bytes} ${row.phases}`
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
  // The few that have not ended have an index of their own.
  if (query.statuses?.every((status) => status === 'NotStarted' || status === 'Running'))
    where += ' and o.due_at is not null'
  if (query.statuses) where += ` and o.status in (${query.statuses.map(bind).join(', ')})`
  if (query.after)
    where += ` and (o.created_at, o.id) < (${bind(query.after.createdAt)}, ${bind(query.after.operationId)})`
  const rows = await database.query(
    `${SELECT_OPERATION} where ${where} order by o.created_at desc, o.id desc limit ${bind(query.limit)}`,
    params,
  )
  return rows.map(operationOf)
}

/** Operations that run, in no order. */
export async function listRunningOperations(database: Database, instance: string, limit: number): Promise<Operation[]> {
  const rows = await database.query(`${SELECT_OPERATION} where o.instance = $2 and o.status = 'Running' limit $3`, [
    true,
    instance,
    limit,
  ])
  return rows.map(operationOf)
}

/** Operations of any of several kinds, newest first: each kind has its own order in the index, and here they are merged. */
export async function listOperationsOfKinds(
  database: Database,
  { kinds, ...query }: Omit<Parameters<typeof listOperations>[1], 'kind'> & { kinds: readonly OperationKind[] },
): Promise<Operation[]> {
  const lists = await Promise.all(kinds.map((kind) => listOperations(database, { ...query, kind })))
  return lists.flat().sort(newestFirst).slice(0, query.limit)
}

/** As the database orders them: ids are compared byte by byte, and have ASCII only. */
function newestFirst(a: Operation, b: Operation): number {
  return b.createdAt - a.createdAt || (a.operationId < b.operationId ? 1 : -1)
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
    warnings: row.warnings === null ? [] : (JSON.parse(String(row.warnings)) as OperationError[]),
    traceId: String(row.trace_id),
    createdAt: Number(row.created_at),
    lastActionAt: Number(row.last_action_at),
    etag: String(row.etag),
  }
}

/** Keeps what a check has to say that would stop no import, in place of what an earlier attempt had. */
export async function noteWarnings(
  database: Database,
  attempt: Attempt,
  warnings: readonly OperationError[],
): Promise<void> {
  await database.batch([
    guardAttempt(attempt),
    {
      sql: 'update operations set warnings = $1 where id = $2',
      params: [JSON.stringify(warnings), attempt.operationId],
    },
  ])
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
