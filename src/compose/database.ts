import { lookup } from 'node:dns/promises'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { CATALOGUE } from '../adapters/filesystem/data-files.ts'
import { isNodeFolder } from '../adapters/filesystem/node-name.ts'
import type { OwnEndpoint } from '../adapters/source/own-endpoints.ts'
import { openSqliteBell } from '../adapters/sqlite/bell-sqlite.ts'
import { checkSqlite, hasUpdates } from '../adapters/sqlite/check-sqlite.ts'
import { openSqlite, SQLITE_DIALECT } from '../adapters/sqlite/database-sqlite.ts'
import type { ServeConfig } from '../config/serve-settings.ts'
import type { Bell } from '../ports/bell.ts'
import type { Database } from '../ports/database.ts'
import { isHalfCopied, isInUse } from '../store/copy-catalogue.ts'
import { migrate } from '../store/migrate.ts'
import { releaseAllLeases } from '../store/operations/attempts.ts'

export const HALF_MOVED =
  'A catalogue is being moved into this database, or that broke off: run "aduana move-database" once more.'

/** The database of a node, with the schema of this version. */
export interface OpenedDatabase {
  database: Database
  bell: Bell
  /** Other nodes may use it at the same time. */
  isShared: boolean
  /** Where it listens. What callers name is never fetched from there. */
  endpoints: readonly OwnEndpoint[]
}

/** Throws an `Error` with a sentence if a data folder is not one for this database, or its SQLite file cannot be used. Changes nothing. */
export function checkDatabase({ data, database }: ServeConfig): void {
  if (database !== undefined) return
  if (isNodeFolder(data)) {
    throw new Error(
      `${data} is the folder of a node that shares a database: give that as --database, and its --store. ` +
        `To do without that database, delete ${join(data, 'node')}: then what is in the folder is all there is.`,
    )
  }
  checkSqlite(join(data, CATALOGUE.path))
}

/** Opens the database and brings its schema up to date. */
export async function openDatabase(config: ServeConfig, log: Logger): Promise<OpenedDatabase> {
  return config.database === undefined
    ? await openOwn(config.data)
    : await openShared(config.database, config.data, log)
}

async function openOwn(folder: string): Promise<OpenedDatabase> {
  const path = join(folder, CATALOGUE.path)
  await keepToOwner(path)
  const database = openSqlite(path)
  await migrate(database, SQLITE_DIALECT)
  // The data folder is locked, so no other process is at work: whatever runs was left by one that died.
  await releaseAllLeases(database)
  return { database, bell: openSqliteBell(), isShared: false, endpoints: [] }
}

async function openShared(url: string, folder: string, log: Logger): Promise<OpenedDatabase> {
  const { preparePostgres } = await import('./prepare-postgres.ts')
  const { openPostgres } = await import('../adapters/postgres/database-postgres.ts')
  const { openPostgresBell } = await import('../adapters/postgres/bell-postgres.ts')
  const { readPostgresUrl } = await import('../adapters/postgres/postgres-address.ts')
  await preparePostgres(url)
  const database = openPostgres(url)
  await refuseUnmoved(database, folder).catch(async (error) => {
    await database.close()
    throw error
  })
  const endpoints = await Promise.all(readPostgresUrl(url).endpoints.map(addressesOf))
  return { database, bell: openPostgresBell(url, { log }), isShared: true, endpoints: endpoints.flat() }
}

/** Who forgot to move a catalogue would find an empty one. */
async function refuseUnmoved(database: Database, folder: string): Promise<void> {
  if (await isHalfCopied(database)) throw new Error(HALF_MOVED)
  if ((await isInUse(database)) || !hasUpdates(join(folder, CATALOGUE.path))) return
  throw new Error(
    `The data folder ${folder} has a catalogue with updates, and the database is empty: run "aduana move-database" first. ` +
      'To begin anew, name an empty folder with --data.',
  )
}

async function addressesOf({ host, port }: { host: string; port: number }): Promise<OwnEndpoint[]> {
  const addresses = await lookup(host, { all: true })
  return addresses.map(({ address }) => ({ address, port }))
}

/** Requests in the database hold signed URLs: whoever made the data folder, others must not read it. */
async function keepToOwner(path: string): Promise<void> {
  const file = await open(path, 'a', CATALOGUE.mode)
  await file.chmod(CATALOGUE.mode)
  await file.close()
}
