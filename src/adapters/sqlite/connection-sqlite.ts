import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Row, SqlValue, Statement } from '../../ports/database.ts'

/** What one caller wants written: a statement whose rows it waits for, or a batch. */
export type Write = { query: Statement } | { batch: readonly Statement[] }

/** What became of a write: the rows of a query, none for a batch; or why nothing of it happened. */
export type Outcome = { rows: Row[] } | { fault: Fault }

/** An error as plain data, since of an `Error` that goes from one thread to another only the text arrives. */
export interface Fault {
  message: string
  /** The extended result code, if it comes from SQLite. */
  errcode?: number
  /** The index of the statement that failed by itself. Absent where the whole transaction did. */
  statement?: number
  /** The statement had to change a row, and changed none. */
  isGuard?: true
}

/** A connection as one thread has it. Nothing in it waits for anything but the disk. */
export interface Connection {
  /** Answers the rows of a statement that only reads. */
  read(sql: string, params: readonly SqlValue[]): Row[]
  /**
   * Runs writes of several callers in their order, with one transaction and one wait for the disk. A write that fails is undone alone.
   * Where the transaction itself fails, none of them has happened, and each has the same fault: also those that failed before, since
   * what stood in their way is gone, too.
   */
  write(writes: readonly Write[]): Outcome[]
  /** Moves the write-ahead log into the database file. Answers false where a reader is in the way just now. */
  emptyLog(): boolean
  close(): void
}

const BUSY_TIMEOUT_MS = 1000

/** Opens or makes a database file (or `:memory:`). Throws what SQLite throws. */
export function openConnection(path: string, { readOnly = false }: { readOnly?: boolean } = {}): Connection {
  const db = openDatabase(path, readOnly)

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

  const columns = new Map<StatementSync, string[]>()
  function rowsOf({ sql, params = [] }: Statement): Row[] {
    const statement = prepare(sql)
    let names = columns.get(statement)
    if (names === undefined) {
      // Each object that Node makes of a row has a shape of its own, which holds up everything that reads one.
      statement.setReturnArrays(true)
      names = statement.columns().map(({ name }) => name)
      columns.set(statement, names)
    }
    const rows = statement.all(...params.map(bound)) as unknown as SqlValue[][]
    return rows.map((values) => rowOf(names, values))
  }

  function inTransaction(writes: readonly Write[]): Outcome[] {
    if (writes.length === 0) return []
    try {
      prepare('begin immediate').run()
      const outcomes = writes.map(inSavepoint)
      prepare('commit').run()
      return outcomes
    } catch (error) {
      if (db.isTransaction) db.exec('rollback')
      const fault = faultOf(error)
      return writes.map(() => ({ fault }))
    }
  }

  function inSavepoint(write: Write): Outcome {
    const progress = { statement: 0 }
    prepare('savepoint one').run()
    try {
      const rows = 'query' in write ? rowsOf(write.query) : runBatch(write.batch, progress)
      prepare('release one').run()
      return { rows }
    } catch (error) {
      // Where the disk is full or broken, SQLite may undo the whole transaction, and with it what others wrote.
      if (!db.isTransaction) throw error
      prepare('rollback to one').run()
      prepare('release one').run()
      return { fault: { ...faultOf(error), ...progress } }
    }
  }

  function runBatch(statements: readonly Statement[], progress: { statement: number }): Row[] {
    for (const { sql, params = [], mustChangeRows } of statements) {
      const { changes } = prepare(sql).run(...params.map(bound))
      if (mustChangeRows && changes === 0) throw new UnmetGuard()
      progress.statement += 1
    }
    return []
  }

  function alone(write: Write): Outcome {
    try {
      return { rows: 'query' in write ? rowsOf(write.query) : [] }
    } catch (error) {
      return { fault: faultOf(error) }
    }
  }

  const connection: Connection = {
    read: (sql, params) => rowsOf({ sql, params }),

    write(writes) {
      const index = writes.findIndex(standsAlone)
      const write = writes[index]
      if (write === undefined) return inTransaction(writes)
      return [...inTransaction(writes.slice(0, index)), alone(write), ...connection.write(writes.slice(index + 1))]
    },

    emptyLog() {
      try {
        // Whoever wants to write waits meanwhile, so this does not wait for readers.
        db.exec('pragma busy_timeout = 0')
        return prepare('pragma wal_checkpoint(truncate)').get()?.busy === 0
      } catch {
        // Where the disk is broken, the next write says so.
        return false
      } finally {
        db.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`)
      }
    },

    close: () => db.close(),
  }
  return connection
}

function openDatabase(path: string, readOnly: boolean): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly })
  try {
    if (readOnly) return db
    db.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma secure_delete = on; -- signatures of source URLs must not live on in free pages
      -- Else each savepoint writes what it could undo to a file. Large tables cannot be sorted, for want of memory.
      pragma temp_store = memory;
    `)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function rowOf(names: readonly string[], values: readonly SqlValue[]): Row {
  const row: Row = {}
  for (let i = 0; i < names.length; i += 1) row[names[i] as string] = values[i] as SqlValue
  return row
}

/** What SQLite does not do, or does not do as well, within a transaction. */
function standsAlone(write: Write): boolean {
  return 'query' in write && /^\s*(pragma|vacuum)\b/i.test(write.query.sql)
}

/**
 * SQLite has no booleans: they are stored as 0 and 1. `undefined` would bind as NULL, everything else that is no value
 * is refused by Node.
 */
function bound(value: SqlValue): Exclude<SqlValue, boolean> {
  if (value === undefined) throw new TypeError('A value cannot be bound, since it is undefined.')
  return typeof value === 'boolean' ? Number(value) : value
}

class UnmetGuard extends Error {}

/** What of an error goes to another thread. */
export function faultOf(error: unknown): Fault {
  return {
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof Error && 'errcode' in error && { errcode: Number(error.errcode) }),
    ...(error instanceof UnmetGuard && { isGuard: true as const }),
  }
}
