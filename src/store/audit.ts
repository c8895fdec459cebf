import { randomUUID } from 'node:crypto'
import type { AuditEntry } from '../domain/audit-entry.ts'
import type { Database, Row, SqlValue, Statement } from '../ports/database.ts'
import { NOW } from './clock.ts'

/** The statement that keeps an entry, for the batch of the thing that it tells of. */
export function insertAudit(entry: AuditEntry): Statement {
  return {
    sql: `insert into audit (id, at, action, instance, subject, issuer, address, trace_id, operation_id, code, target)
          values ($1, ${NOW}, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    params: [
      randomUUID(),
      entry.action,
      entry.instance,
      entry.subject ?? null,
      entry.issuer ?? null,
      entry.address,
      entry.traceId,
      entry.operationId ?? null,
      entry.code ?? null,
      entry.target ?? null,
    ],
  }
}

/** An entry as it was kept. */
export type KeptAuditEntry = AuditEntry & AuditPosition

/** Where a page of the audit log begins: after this one. */
export interface AuditPosition {
  id: string
  at: number
}

/** The entries of an instance, newest first: all of them, those of one operation, or those about one thing. */
export async function listAudit(
  database: Database,
  {
    instance,
    operationId,
    target,
    after,
    limit,
  }: {
    instance: string
    operationId?: string | undefined
    target?: string | undefined
    after?: AuditPosition | undefined
    limit: number
  },
): Promise<KeptAuditEntry[]> {
  const params: SqlValue[] = [instance]
  const bind = (value: SqlValue) => `$${params.push(value)}`
  let where = 'instance = $1'
  if (operationId !== undefined) where += ` and operation_id = ${bind(operationId)}`
  if (target !== undefined) where += ` and target = ${bind(target)}`
  if (after !== undefined) where += ` and (at, id) < (${bind(after.at)}, ${bind(after.id)})`
  const rows = await database.query(
    `select * from audit where ${where} order by at desc, id desc limit ${bind(limit)}`,
    params,
  )
  return rows.map(entryOf)
}

function entryOf(row: Row): KeptAuditEntry {
  const text = (name: string) => (row[name] === null ? undefined : String(row[name]))
  const entry = {
    subject: text('subject'),
    issuer: text('issuer'),
    operationId: text('operation_id'),
    code: text('code'),
    target: text('target'),
  }
  return {
    id: String(row.id),
    at: Number(row.at),
    action: String(row.action) as AuditEntry['action'],
    instance: String(row.instance),
    address: String(row.address),
    traceId: String(row.trace_id),
    ...(Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as Partial<AuditEntry>),
  }
}

/** Forgets entries older than `ageMs`, at most `limit` of them. Answers how many. */
export async function forgetAudit(database: Database, ageMs: number, limit: number): Promise<number> {
  const rows = await database.query(
    `delete from audit where id in (select id from audit where at <= ${NOW} - $1 limit $2) returning id`,
    [ageMs, limit],
  )
  return rows.length
}
