import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOGUE } from '../adapters/filesystem/data-files.ts'
import { isDataFolder } from '../adapters/filesystem/data-folder.ts'
import type { StoreAddress } from '../adapters/object-store/store-address.ts'
import { openPostgres } from '../adapters/postgres/database-postgres.ts'
import { lockData } from '../adapters/sqlite/data-lock.ts'
import { openSqlite, SQLITE_DIALECT } from '../adapters/sqlite/database-sqlite.ts'
import { type MoveReport, moveStore } from '../services/backup/move-store.ts'
import { beginCopy, copyTable, endCopy, TABLES } from '../store/copy-catalogue.ts'
import { migrate } from '../store/migrate.ts'
import { preparePostgres } from './prepare-postgres.ts'
import { openStore } from './store.ts'

/** Copies what a database names from one store to another, beside its servers. Throws an `Error` with a sentence. */
export async function copyStore({
  data,
  database: url,
  from,
  to,
  verify,
}: {
  data: string
  database: string | undefined
  from: StoreAddress
  to: StoreAddress
  verify: boolean
}): Promise<MoveReport> {
  const database = url === undefined ? openSqlite(await catalogueIn(data), { readOnly: true }) : openPostgres(url)
  try {
    // Of its own, so that it never goes on with what a node is writing.
    const node = `move-${process.pid}`
    return await moveStore(database, {
      from: await openStore(from, { node }),
      to: await openStore(to, { node }),
      verify,
    })
  } finally {
    await database.close()
  }
}

/**
 * Copies the catalogue of a data folder, whose server must not run, into a PostgreSQL that nobody has used. The data folder stays as it is.
 * Throws an `Error` with a sentence; no server begins with a copy that broke off, and the same may be done again.
 */
export async function moveDatabase({
  data,
  database: url,
  onPage,
}: {
  data: string
  database: string
  onPage?: (table: string, rows: number) => void
}): Promise<{ rows: number }> {
  const path = await catalogueIn(data)
  const lock = await lockData(join(data, 'lock.db'), 0).catch((cause) => {
    throw new Error(`Stop the server on ${data} first. ${cause.message}`, { cause })
  })
  const from = openSqlite(path)
  const to = openPostgres(url)
  try {
    await migrate(from, SQLITE_DIALECT)
    await preparePostgres(url)
    if (!(await beginCopy(to))) {
      throw new Error('The database to move to has instances already. Name an empty one with --database.')
    }
    let rows = 0
    for (const table of TABLES) {
      rows += await copyTable(table, { from, to, onPage: (count) => onPage?.(table.table, count) })
    }
    await endCopy(to)
    return { rows }
  } finally {
    await to.close()
    await from.close()
    lock.release()
  }
}

async function catalogueIn(data: string): Promise<string> {
  const path = join(data, CATALOGUE.path)
  if ((await isDataFolder(data)) && existsSync(path)) return path
  throw new Error(`There is no catalogue of Aduana in ${data}: name its data folder with --data, or its --database.`)
}
