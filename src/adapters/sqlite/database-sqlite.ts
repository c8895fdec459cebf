import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { BatchConflict, type ConflictReason, type Database, type Row, type SqlValue } from '../../ports/database.ts'

// Extended result codes of SQLite: https://sqlite.org/rescode.html
const CONFLICTS: Record<number, ConflictReason> = {
  787: 'foreign-key', // SQLITE_CONSTRAINT_FOREIGNKEY
  1555: 'unique', // SQLITE_CONSTRAINT_PRIMARYKEY
  2067: 'unique', // SQLITE_CONSTRAINT_UNIQUE
}

/** How long a page that was overwritten may live on in the write-ahead log. Emptying it each second was not measurable. */
const LOG_KEPT_MS = 1000

/**
 * Opens or makes a SQLite database file (or `:memory:`). Every commit is on disk when its promise resolves. The process must be
 * the only writer; others may read beside it with `readOnly`.
 */
export function openSqlite(path: string, { readOnly = false }: { readOnly?: boolean } = {}): Database {
  const db = new DatabaseSync(path, { timeout: 1000, readOnly })
  if (!readOnly) {
    db.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma secure_delete = on; -- signatures of source URLs must not live on in free pages
    `)
  }

  // Left alone, the log keeps what was wiped from the pages until four megabytes were written, on a quiet server for ever.
  const emptyingLog = readOnly ? undefined : setInterval(() => emptyLog(db), LOG_KEPT_MS).unref()

  const prepared = new Map<string, StatementSync>()
  function prepare(sql: string): StatementSync {
    let statement = prepared.get(sql)
    if (statement === undefined) {
      // node:sqlite refuses positional `$1`; SQLite's own numbered form is `?1`.
      statement = db.prepare(sql.replace(/\$(\d+)/g, '?$1'))
      prepared.set(sql, statement)
    }
    return statement
  }

  return {
    async query(sql, params = []) {
      return prepare(sql).all(...params.map(bound)) as Row[]
    },

    // Synchronous from begin to commit, so no other request's write can slip into the transaction.
    async batch(statements) {
      db.exec('begin immediate')
      let index = 0
      try {
        for (const statement of statements) {
          const { changes } = prepare(statement.sql).run(...(statement.params ?? []).map(bound))
          if (statement.mustChangeRows && changes === 0) throw new BatchConflict('guard', index)
          index += 1
        }
        db.exec('commit')
      } catch (error) {
        if (db.isTransaction) db.exec('rollback')
        throw asConflict(error, index)
      }
    },

    async close() {
      clearInterval(emptyingLog)
      db.close()
    },
  }
}

/** Moves the write-ahead log into the database file, unless another process, such as a backup, reads it just now. */
function emptyLog(db: DatabaseSync): void {
  try {
    // Nobody waits meanwhile: a statement that finds the database busy would stop the whole process.
    db.exec('pragma busy_timeout = 0; pragma wal_checkpoint(truncate); pragma busy_timeout = 1000')
  } catch {
    // The next round tries again; where the disk is broken, the next write says so.
  }
}

/** SQLite has no booleans: they are stored as 0 and 1. */
function bound(value: SqlValue): Exclude<SqlValue, boolean> {
  return typeof value === 'boolean' ? Number(value) : value
}

function asConflict(error: unknown, statement: number): unknown {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined
  const reason = code === undefined ? undefined : CONFLICTS[code]
  return reason === undefined ? error : new BatchConflict(reason, statement, { cause: error })
}

/** What the migrations write differently for SQLite. */
export const SQLITE_DIALECT = {
  text: 'text',
  now_ms: "cast(unixepoch('subsec') * 1000 as integer)",
}
