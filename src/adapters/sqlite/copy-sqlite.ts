import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { Database } from '../../ports/database.ts'
import { openSqlite } from './database-sqlite.ts'
import { asSentence } from './sqlite-errors.ts'

/**
 * Copies a database as it is at one moment to a new file, also while another process writes to it: everything is read in one
 * transaction, which in a write-ahead log holds up nobody. The columns in `emptied` (by table) are null in the copy, and `settle` makes
 * changes to it. What comes out is a single file, good for reading from a medium that cannot be written; flushing it is left to the caller.
 *
 * Not by `backup()` of `node:sqlite`: it begins anew with every write of another process, and did not come to an end beside a busy
 * server. Neither by `vacuum into`: both would write the secrets first, to be wiped later.
 */
export async function copySqlite({
  from,
  to,
  emptied,
  settle,
}: {
  from: string
  to: string
  emptied: Readonly<Record<string, readonly string[]>>
  settle: (copy: Database) => Promise<void>
}): Promise<void> {
  copyTables({ from, to, emptied })
  const copy = openSqlite(to, { writesHere: true })
  try {
    await settle(copy)
  } finally {
    await copy.close()
  }
  inDatabase(to, (db) => {
    // With a write-ahead log it could not be read where it cannot be written.
    db.exec('pragma journal_mode = delete')
    const [flaw] = db.prepare('pragma integrity_check(1)').all()
    if (flaw?.integrity_check !== 'ok') throw damaged(from, flaw?.integrity_check)
    const [stray] = db.prepare('pragma foreign_key_check').all()
    if (stray !== undefined) throw damaged(from, `a row of ${stray.table} names one that is not there`)
  })
}

function copyTables({
  from,
  to,
  emptied,
}: {
  from: string
  to: string
  emptied: Readonly<Record<string, readonly string[]>>
}): void {
  inDatabase(to, (db) => {
    try {
      // A copy that a crash interrupts is thrown away, so it needs neither a journal nor a flush after every page.
      db.exec(
        'pragma journal_mode = off; pragma synchronous = off; pragma foreign_keys = off; pragma busy_timeout = 5000',
      )
      db.prepare('attach ? as live').run(`${pathToFileURL(from).href}?mode=ro`)
      db.exec('begin')
      const schema = db.prepare('select type, name, sql from live.sqlite_schema where sql is not null').all()
      const ofType = (...types: string[]) => schema.filter(({ type }) => types.includes(String(type)))
      if (schema.length === 0) throw new Error(`${from} is empty: no server has finished its first start with it.`)
      // The copy's indexes are made anew, so what they would have contradicted is seen here or never.
      const [flaw] = db.prepare('pragma live.integrity_check(1)').all()
      if (flaw?.integrity_check !== 'ok') throw damaged(from, flaw?.integrity_check)
      for (const { name, sql } of ofType('table')) {
        const values = valuesOf(db, String(name), emptied[String(name)])
        db.exec(`${sql}; insert into main.${quoted(name)} select ${values} from live.${quoted(name)}`)
      }
      for (const { sql } of ofType('index', 'view', 'trigger')) db.exec(String(sql))
      db.exec('commit')
    } catch (error) {
      throw asSentence(error, from)
    }
  })
}

function damaged(path: string, flaw: unknown): Error {
  return new Error(`The database ${path} is damaged: ${flaw}. Run aduana doctor.`)
}

/** What is selected of a table. A star lets SQLite copy whole records, which is several times faster. */
function valuesOf(db: DatabaseSync, table: string, emptied: readonly string[] | undefined): string {
  if (emptied === undefined) return '*'
  const columns = db.prepare('select name from pragma_table_info(?, ?)').all(table, 'live')
  return columns.map(({ name }) => (emptied.includes(String(name)) ? 'null' : quoted(name))).join(', ')
}

function inDatabase(path: string, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path)
  try {
    work(db)
  } finally {
    db.close()
  }
}

function quoted(name: unknown): string {
  return `"${String(name).replaceAll('"', '""')}"`
}
