import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { BatchConflict, type Database, type Row, type SqlValue } from '../src/ports/database.ts'

/**
 * Opens a SQLite file to be filled: fast, and worth nothing after a crash. Everything since the last `commit` is one transaction, so
 * a batch that fails stays half done.
 */
export function openBulkSqlite(path: string): Database & { commit(): void } {
  // A large page cache, and neither a journal, which the defensive mode would insist on, nor flushes.
  const db = new DatabaseSync(path, { defensive: false })
  db.exec(
    'pragma journal_mode = off; pragma synchronous = off; pragma foreign_keys = off; pragma cache_size = -1500000; begin',
  )
  const prepared = new Map<string, StatementSync>()
  function prepare(sql: string): StatementSync {
    const statement = prepared.get(sql) ?? db.prepare(sql.replace(/\$(\d+)/g, '?$1'))
    prepared.set(sql, statement)
    return statement
  }
  return {
    async query(sql, params = []) {
      return prepare(sql).all(...params.map(bound)) as Row[]
    },
    async batch(statements) {
      for (const [index, { sql, params = [], mustChangeRows }] of statements.entries()) {
        const { changes } = prepare(sql).run(...params.map(bound))
        if (mustChangeRows && changes === 0) throw new BatchConflict('guard', index)
      }
    },
    commit() {
      db.exec('commit; begin')
    },
    async close() {
      db.exec('commit')
      db.close()
    },
  }
}

function bound(value: SqlValue): SQLInputValue {
  return typeof value === 'boolean' ? Number(value) : value
}
