import { openPostgres } from '../../src/adapters/postgres/database-postgres.ts'
import type { Database, SqlValue } from '../../src/ports/database.ts'

/** Says by which steps a database answers a statement, in the words of SQLite's `explain query plan`. */
export type Explain = (sql: string, params: readonly SqlValue[]) => Promise<string[]>

/** For a database that `openDatabase` opened, whichever it is. */
export function explainerOf(database: Database & { title?: string }): { explain: Explain; close(): Promise<void> } {
  return database.title === undefined ? sqliteExplainer(database) : postgresExplainer(database.title)
}

function sqliteExplainer(database: Database) {
  return {
    async explain(sql: string, params: readonly SqlValue[]) {
      const rows = await database.query(`explain query plan ${sql}`, params)
      return rows.map(({ detail }) => String(detail))
    },
    async close() {},
  }
}

/** A small table is read as a whole whatever indexes it has, so what is asked is which way there would be. */
const RELUCTANT = ['seqscan', 'sort', 'incremental_sort', 'bitmapscan', 'hashjoin', 'mergejoin', 'material']
  .map((way) => `-c enable_${way}=off`)
  .join(' ')

/** A step of PostgreSQL, by `explain (format json)`. */
interface Node {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  Plans?: Node[]
}

function postgresExplainer(url: string) {
  const database = openPostgres(`${url}?options=${encodeURIComponent(RELUCTANT)}`)
  return {
    async explain(sql: string, params: readonly SqlValue[]) {
      const [row] = await database.query(`explain (format json) ${sql}`, params)
      const [{ Plan }] = JSON.parse(String(row?.['QUERY PLAN']))
      return stepsOf(Plan)
    },
    close: () => database.close(),
  }
}

function stepsOf(node: Node): string[] {
  return [...stepOf(node), ...(node.Plans ?? []).flatMap(stepsOf)]
}

function stepOf({
  'Node Type': type,
  'Relation Name': table,
  'Index Name': index,
  'Index Cond': condition,
}: Node): string[] {
  if (type === 'Seq Scan') return [`SCAN ${table}`]
  if (/Sort/.test(type)) return ['USE TEMP B-TREE FOR ORDER BY']
  if (index === undefined) return []
  if (condition === undefined) return [`SCAN ${table} USING INDEX ${index}`]
  return [`SEARCH ${table} USING INDEX ${index} (${columnsOf(condition).join(' AND ')})`]
}

/** `((instance = $1) AND (name_key > $2))` becomes `instance=?` and `name_key>?`. */
function columnsOf(condition: string): string[] {
  return [...condition.matchAll(/\((?:ROW\()?(\w+)[\w, ]*\)? (=|<=?|>=?) /g)].map(
    ([, column, how]) => `${column}${how}?`,
  )
}
