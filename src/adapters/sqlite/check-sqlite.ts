import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { asSentence, SQLITE, sqliteCode } from './sqlite-errors.ts'

/**
 * Throws an `Error` that says what to do unless the file is missing, empty, or at first sight a database of Aduana. For before it is
 * opened for writing: nothing in it changes.
 */
export function checkSqlite(path: string): void {
  if (!existsSync(path) || statSync(path).size === 0) return
  let tables: unknown[]
  try {
    const db = new DatabaseSync(withoutTraces(path), { timeout: 1000, readOnly: true })
    try {
      tables = db.prepare("select name from sqlite_schema where type = 'table'").all()
    } finally {
      db.close()
    }
  } catch (error) {
    // Another process is at work in it, so the lock of the folder decides.
    if (sqliteCode(error) === SQLITE.busy) return
    throw asSentence(error, path)
  }
  const isOurs = tables.length === 0 || tables.some((table) => Object(table).name === 'migrations')
  if (!isOurs) throw new Error(`${path} is a database, but not one of Aduana. Name another folder with --data.`)
}

/** Whether there is a catalogue in the file that has updates. Throws an `Error` with a sentence if it is damaged. */
export function hasUpdates(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    const db = new DatabaseSync(path, { timeout: 1000, readOnly: true })
    try {
      const isCatalogue = db.prepare("select 1 from sqlite_schema where name = 'updates'").get() !== undefined
      return isCatalogue && db.prepare('select 1 from updates limit 1').get() !== undefined
    } finally {
      db.close()
    }
  } catch (error) {
    throw asSentence(error, path)
  }
}

/** Where all is in the file itself, SQLite can be kept from making files beside it: `immutable` (https://sqlite.org/uri.html). */
function withoutTraces(path: string): string | URL {
  if (existsSync(`${path}-wal`)) return path
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  return url
}
