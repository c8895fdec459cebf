import { randomUUID } from 'node:crypto'
import type { AuditEntry } from '../domain/audit-entry.ts'
import type { Database, Row, Statement } from '../ports/database.ts'
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

/** The newest entries of an instance. */
export async function listAudit(
  database: Database,
  instance: string,
  limit: number,
): Promise<(AuditEntry & { at: number })[]> {
  const rows = await database.query('select * from audit where instance = $1 order by at desc, id desc limit $2', [
    instance,
    limit,
  ])
  return rows.map(entryOf)
}

function entryOf(row: Row): AuditEntry & { at: number } {
  const text = (name: string) => (row[name] === null ? undefined : String(row[name]))
  const entry = {
    subject: text('subject'),
    issuer: text('issuer'),
    operationId: text('operation_id'),
    code: text('code'),
    target: text('target'),
  }
  return {
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
