import { AppError } from '../../domain/errors.ts'
import { BatchConflict, type ConflictReason, type Database } from '../../ports/database.ts'
import { type Connection, type Fault, type Outcome, openConnection, type Write } from './connection-sqlite.ts'
import { asSentence, SQLITE, sqliteCode } from './sqlite-errors.ts'
import { writeHere, writeInThread } from './writer-sqlite.ts'

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

/** In shared SQL `with` only ever begins a question. Whatever is taken for a write in error is merely slower. */
const READS = /^\s*(select|with|explain)\b/i

export interface SqliteOptions {
  /** Others may write beside it. */
  readOnly?: boolean
  /** Writes in the calling thread: for a process that has nothing else to do meanwhile. The log is emptied at the end only. */
  writesHere?: boolean
}

/**
 * Opens or makes a SQLite database file (or `:memory:`). Every commit is on disk when its promise resolves, and whoever asks from then
 * on sees it. A thread of its own writes to a file and empties its log within seconds; questions are answered at once, also while that
 * thread waits for the disk. The process must be the only writer; others may read beside it with `readOnly`. A file that is damaged or
 * no database throws an `Error` with a sentence, here or from a query.
 */
export function openSqlite(path: string, { readOnly = false, writesHere = false }: SqliteOptions = {}): Database {
  const connection = open(path, readOnly)
  const isThreaded = !readOnly && !writesHere && path !== ':memory:'
  if (isThreaded) connection.read('pragma query_only = on', [])
  const writer = isThreaded ? writeInThread(path) : writeHere(connection)
  let isOpen = true
  let beingWritten = 0
  let revision = 0
  async function write(what: Write): Promise<Outcome> {
    beingWritten += 1
    try {
      return await writer.write(what)
    } finally {
      beingWritten -= 1
      revision += 1
    }
  }

  return {
    async query(sql, params = []) {
      if (!READS.test(sql)) {
        const outcome = await write({ query: { sql, params } })
        if ('rows' in outcome) return outcome.rows
        throw asFailure(errorOf(outcome.fault), path)
      }
      try {
        return connection.read(sql, params)
      } catch (error) {
        throw asFailure(error, path)
      }
    },

    async batch(statements) {
      const outcome = await write({ batch: statements })
      if ('fault' in outcome) throw asConflict(outcome.fault) ?? asFailure(errorOf(outcome.fault), path)
    },

    ...(!readOnly && { revision: () => (beingWritten === 0 ? revision : undefined) }),

    async close() {
      if (!isOpen) return
      isOpen = false
      // The last connection that is closed empties the log: that of the thread, if there is one.
      connection.close()
      await writer.close()
    },
  }
}

function open(path: string, readOnly: boolean): Connection {
  try {
    return openConnection(path, { readOnly })
  } catch (error) {
    throw asSentence(error, path)
  }
}

function asConflict(fault: Fault): BatchConflict | undefined {
  const { statement, isGuard, errcode = 0 } = fault
  if (statement === undefined) return undefined
  if (isGuard) return new BatchConflict('guard', statement)
  const reason = CONFLICTS[errcode]
  return reason && new BatchConflict(reason, statement, { cause: errorOf(fault) })
}

function errorOf({ message, errcode }: Fault): Error {
  return Object.assign(new Error(message), errcode !== undefined && { errcode })
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
