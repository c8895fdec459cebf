import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { AppError } from '../../domain/errors.ts'
import { BatchConflict, type ConflictReason, type Database, type Row, type SqlValue } from '../../ports/database.ts'
import { asSentence, SQLITE, sqliteCode } from './sqlite-errors.ts'

// Extended result codes of SQLite: https://sqlite.org/rescode.html
const CONFLICTS: Record<number, ConflictReason> = {
  787: 'foreign-key', // SQLITE_CONSTRAINT_FOREIGNKEY
  1555: 'unique', // SQLITE_CONSTRAINT_PRIMARYKEY
  2067: 'unique', // SQLITE_CONSTRAINT_UNIQUE
}

const FAILURES: Record<number, string> = {
  [SQLITE.busy]: 'another process has locked it',
  [SQLITE.readOnly]: 'it may only be read',
  [SQLITE.ioError]: 'the disk reports an error',
  [SQLITE.full]: 'the disk is full',
  [SQLITE.cannotOpen]: 'a file of it cannot be opened',
}

/** How long a page that was overwritten may live on in the write-ahead log. Emptying it each second was not measurable. */
const LOG_KEPT_MS = 1000

/**
 * Opens or makes a SQLite database file (or `:memory:`). Every commit is on disk when its promise resolves. The process must be
 * the only writer; others may read beside it with `readOnly`. A file that is damaged or no database throws an `Error` with a
 * sentence, here or from a query.
 */
export function openSqlite(path: string, { readOnly = false }: { readOnly?: boolean } = {}): Database {
  const db = openDatabase(path, readOnly)

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
      try {
        return prepare(sql).all(...params.map(bound)) as Row[]
      } catch (error) {
        throw asFailure(error, path)
      }
    },

    // Synchronous from begin to commit, so no other request's write can slip into the transaction.
    async batch(statements) {
      let index = 0
      try {
        db.exec('begin immediate')
        for (const statement of statements) {
          const { changes } = prepare(statement.sql).run(...(statement.params ?? []).map(bound))
          if (statement.mustChangeRows && changes === 0) throw new BatchConflict('guard', index)
          index += 1
        }
        db.exec('commit')
      } catch (error) {
        if (db.isTransaction) db.exec('rollback')
        throw asConflict(error, index) ?? asFailure(error, path)
      }
    },

    async close() {
      clearInterval(emptyingLog)
      db.close()
    },
  }
}

function openDatabase(path: string, readOnly: boolean): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { timeout: 1000, readOnly })
    if (readOnly) return db
    db.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma secure_delete = on; -- signatures of source URLs must not live on in free pages
    `)
    return db
  } catch (error) {
    db?.close()
    throw asSentence(error, path)
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

function asConflict(error: unknown, statement: number): BatchConflict | undefined {
  if (error instanceof BatchConflict) return error
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0
  const reason = CONFLICTS[code]
  return reason === undefined ? undefined : new BatchConflict(reason, statement, { cause: error })
}

/** What stands in the way of the database just now, such as a full disk, is an error of the product. */
function asFailure(error: unknown, path: string): unknown {
  const reason = FAILURES[sqliteCode(error) ?? 0]
  if (reason === undefined) return asSentence(error, path)
  return new AppError('DatabaseFailed', `The database cannot be used: ${reason}.`, { mayRecover: true, cause: error })
}

/** What the migrations write differently for SQLite. */
export const SQLITE_DIALECT = {
  text: 'text',
  now_ms: "cast(unixepoch('subsec') * 1000 as integer)",
}
