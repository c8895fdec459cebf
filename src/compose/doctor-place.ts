import { join } from 'node:path'
import { CATALOGUE } from '../adapters/filesystem/data-files.ts'
import { isDataFolder } from '../adapters/filesystem/data-folder.ts'
import { isNodeFolder } from '../adapters/filesystem/node-name.ts'
import { refuseUnfinished } from '../adapters/filesystem/restored-folder.ts'
import { isLocked, lockData } from '../adapters/sqlite/data-lock.ts'
import { openSqlite } from '../adapters/sqlite/database-sqlite.ts'
import { openSqliteUpkeep } from '../adapters/sqlite/upkeep-sqlite.ts'
import type { DoctorConfig } from '../config/command-settings.ts'
import type { Database } from '../ports/database.ts'
import type { DatabaseUpkeep } from '../ports/upkeep.ts'
import { ALIVE_MS } from '../services/nodes/membership.ts'
import { countLiveNodes } from '../store/nodes/nodes.ts'

/** Where a doctor works, and who else does. */
export interface DoctorPlace {
  /** For people. */
  title: string
  /** For those who have seen that it can be used. */
  database: () => Database
  databaseUpkeep: DatabaseUpkeep
  /** Of the server, or of one of the nodes; undefined where only what nodes share is looked at. */
  folder: string | undefined
  /** By nodes. */
  isShared: boolean
  /** Nobody else can be at work, or begin. */
  isAlone: boolean
  isServerRunning: boolean
  /** One that runs operations and keeps house. */
  isWorkerRunning: boolean
  /** As the begin of a sentence. */
  howToRepair: string
}

/** All of a full table has to be read, beside others that do so. */
const STATEMENT_MS = 30 * 60_000

/**
 * A data folder, with the catalogue in it. A repair needs its lock, since a server must be the only one that writes: throws an `Error` with
 * a sentence while one runs.
 */
export async function enterFolder(
  { data: folder }: DoctorConfig,
  { isRepair, closing }: { isRepair: boolean; closing: AsyncDisposableStack },
): Promise<DoctorPlace> {
  refuseUnfinished(folder)
  if (!(await isDataFolder(folder))) {
    throw new Error(
      `There is no Aduana in ${folder}: name its data folder with --data, or its database and store with --database and --store.`,
    )
  }
  if (isNodeFolder(folder)) {
    throw new Error(
      `${folder} is the folder of a node that shares a database: name that with --database, and the store with --store.`,
    )
  }
  const lockPath = join(folder, 'lock.db')
  if (isRepair) {
    const lock = await lockData(lockPath, 0).catch((cause) => {
      throw new Error(`Nothing can be repaired while a server runs, so stop it first. ${cause.message}`, { cause })
    })
    closing.defer(() => lock.release())
  }
  const isServerRunning = !isRepair && isLocked(lockPath)
  const path = join(folder, CATALOGUE.path)
  let database: Database | undefined
  closing.defer(() => database?.close())
  return {
    title: path,
    database() {
      database ??= openSqlite(path, { readOnly: !isRepair })
      return database
    },
    databaseUpkeep: openSqliteUpkeep(path),
    folder,
    isShared: false,
    isAlone: isRepair,
    isServerRunning,
    isWorkerRunning: isServerRunning,
    howToRepair: 'Stop the server and run "aduana doctor --repair"',
  }
}

/** What nodes share, beside them, and the data folder of one of them where there is one. A repair does only what is right beside nodes. */
export async function enterShared(
  url: string,
  { data }: DoctorConfig,
  { closing }: { closing: AsyncDisposableStack },
): Promise<DoctorPlace> {
  const { openPostgres } = await import('../adapters/postgres/database-postgres.ts')
  const { openPostgresUpkeep } = await import('../adapters/postgres/upkeep-postgres.ts')
  const database = openPostgres(url, { statementMs: STATEMENT_MS, connectionsMax: 2 })
  closing.defer(() => database.close())
  const hasFolder = await isDataFolder(data)
  if (hasFolder) refuseUnfinished(data)
  // Why it cannot be asked is told by the step that looks at the database.
  const live = await countLiveNodes(database, ALIVE_MS).catch(() => ({ api: 0, worker: 0 }))
  return {
    title: database.title,
    database: () => database,
    databaseUpkeep: openPostgresUpkeep(database),
    folder: hasFolder ? data : undefined,
    isShared: true,
    isAlone: false,
    isServerRunning: live.api + live.worker > 0,
    isWorkerRunning: live.worker > 0,
    howToRepair: 'Run "aduana doctor --repair"',
  }
}
