import type { Database, Row, SqlValue } from '../ports/database.ts'
import { findSharedKeys, replaceSharedKeys } from './nodes/shared-keys.ts'

/** Every table with what only this database has, in an order in which rows find what they name, and its key. */
export const TABLES: readonly { table: string; key: readonly string[]; booleans?: readonly string[] }[] = [
  { table: 'instances', key: ['instance'] },
  { table: 'blobs', key: ['sha256'] },
  { table: 'updates', key: ['id'], booleans: ['is_deployable'] },
  { table: 'update_references', key: ['parent_id', 'child_id'] },
  { table: 'update_terms', key: ['update_id', 'term'], booleans: ['is_deployable'] },
  { table: 'files', key: ['update_id', 'file_id'] },
  { table: 'operations', key: ['id'] },
  { table: 'operation_items', key: ['operation_id', 'ordinal'], booleans: ['shown'] },
  { table: 'operation_files', key: ['operation_id', 'item', 'ordinal'] },
  { table: 'blob_holds', key: ['operation_id', 'sha256'] },
  { table: 'staged_uploads', key: ['id'] },
  { table: 'staged_parts', key: ['upload_id', 'start', 'sha256'], booleans: ['is_kept'] },
  { table: 'staged_uses', key: ['operation_id', 'upload_id'] },
  { table: 'audit', key: ['id'] },
  { table: 'shared_keys', key: ['name'] },
  { table: 'events', key: ['id'] },
  { table: 'webhooks', key: ['instance', 'name'] },
  { table: 'webhook_deliveries', key: ['instance', 'name', 'event_id'] },
  { table: 'distribution', key: ['store', 'content_id'] },
  { table: 'distribution_checks', key: ['store'] },
]

/** What is of a moment, and not worth taking along. */
export const TABLES_LEFT: readonly string[] = ['migrations', 'nodes', 'duties']

const PAGE = 500

const MOVING = 'moving'

/** Whether rows are being copied into this database, or were when that broke off. No server may begin with it. */
export async function isHalfCopied(database: Database): Promise<boolean> {
  return (await findSharedKeys(database, [MOVING]))[MOVING] !== undefined
}

/** Whether servers have begun with this database, or a catalogue was moved into it. */
export async function isInUse(database: Database): Promise<boolean> {
  return (await database.query('select instance from instances limit 1')).length > 0
}

/** Begins to copy into a database, or goes on with it. False where the database is in use. */
export async function beginCopy(database: Database): Promise<boolean> {
  if (await isHalfCopied(database)) return true
  if (await isInUse(database)) return false
  await replaceSharedKeys(database, { [MOVING]: 'true' })
  return true
}

/** Everything is copied: servers may begin. */
export async function endCopy(database: Database): Promise<void> {
  await database.query('delete from shared_keys where name = $1', [MOVING])
}

/**
 * Copies all rows of a table from one database to another with the same schema. Rows that are there already stay as they are, so it may be
 * done again. Answers how many were read.
 */
export async function copyTable(
  { table, key, booleans = [] }: (typeof TABLES)[number],
  { from, to, onPage = () => {} }: { from: Database; to: Database; onPage?: (rows: number) => void },
): Promise<number> {
  let copied = 0
  for (let last: Row | undefined; ; ) {
    const page = await readPage(from, { table, key, after: last })
    await to.batch(page.map((row) => insertRow(table, withBooleans(row, booleans))))
    copied += page.length
    onPage(copied)
    last = page.at(-1)
    if (last === undefined || page.length < PAGE) return copied
  }
}

function readPage(
  from: Database,
  { table, key, after }: { table: string; key: readonly string[]; after: Row | undefined },
): Promise<Row[]> {
  const order = key.join(', ')
  if (after === undefined) return from.query(`select * from ${table} order by ${order} limit ${PAGE}`)
  const begin = key.map((_, index) => `$${index + 1}`).join(', ')
  return from.query(
    `select * from ${table} where (${order}) > (${begin}) order by ${order} limit ${PAGE}`,
    key.map((column) => after[column] as SqlValue),
  )
}

function insertRow(table: string, row: Row) {
  const columns = Object.keys(row)
  const values = columns.map((_, index) => `$${index + 1}`).join(', ')
  return {
    sql: `insert into ${table} (${columns.join(', ')}) values (${values}) on conflict do nothing`,
    params: Object.values(row),
  }
}

/** SQLite has numbers for them. */
function withBooleans(row: Row, booleans: readonly string[]): Row {
  return { ...row, ...Object.fromEntries(booleans.map((column) => [column, Boolean(row[column])])) }
}
