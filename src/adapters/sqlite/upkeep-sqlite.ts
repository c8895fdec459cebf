import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { DatabaseUpkeep } from '../../ports/upkeep.ts'
import { asSentence, SQLITE, sqliteCode } from './sqlite-errors.ts'

/** Looks into a SQLite database file, beside a running server too. Each question opens the file anew, for reading only. */
export function openSqliteUpkeep(path: string): DatabaseUpkeep {
  function ask<T>(sql: string): T[] {
    try {
      const db = new DatabaseSync(path, { timeout: 5000, readOnly: true })
      try {
        return db.prepare(sql).all() as T[]
      } finally {
        db.close()
      }
    } catch (error) {
      throw asSentence(error, path)
    }
  }

  function damages(limit: number): string[] {
    try {
      const rows = ask<{ integrity_check: string }>(`pragma integrity_check(${limit})`)
      return rows.map((row) => row.integrity_check).filter((text) => text !== 'ok')
    } catch (error) {
      // The check itself stumbles over damage of the worst kind.
      const { cause } = error as Error
      if (sqliteCode(cause) !== SQLITE.corrupt && sqliteCode(cause) !== SQLITE.notADatabase) throw error
      return [(cause as Error).message]
    }
  }

  return {
    remedy: 'This cannot be repaired: stop the server and restore the data folder from a backup.',
    async look({ damagesMax }) {
      // Opening it would make an empty one in the place of one that is lost.
      if (!existsSync(path)) throw new Error(`The database ${path} is missing. Restore it from a backup.`)
      const facts = { summary: 'Every page and every index was looked at.', warnings: [], notes: [] }
      return { ...facts, damages: damages(damagesMax) }
    },
    async brokenReferences(limit) {
      const rows = ask<{ table: string; rowid: number; parent: string }>(
        `select "table", "rowid", "parent" from pragma_foreign_key_check limit ${limit}`,
      )
      return rows.map(({ table, rowid, parent }) => `Row ${rowid} of ${table} names no row of ${parent}.`)
    },
  }
}
