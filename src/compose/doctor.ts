import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openClamdScanner } from '../adapters/clamd/scanner-clamd.ts'
import { openFilesystemBlobs } from '../adapters/filesystem/blobs-filesystem.ts'
import { openFilesystemUpkeep } from '../adapters/filesystem/blobs-upkeep.ts'
import { isDataFolder } from '../adapters/filesystem/data-folder.ts'
import { openDataFolderUpkeep } from '../adapters/filesystem/data-folder-upkeep.ts'
import { refuseUnfinished } from '../adapters/filesystem/restored-folder.ts'
import { isLocked, lockData } from '../adapters/sqlite/data-lock.ts'
import { openSqlite } from '../adapters/sqlite/database-sqlite.ts'
import { openSqliteUpkeep } from '../adapters/sqlite/upkeep-sqlite.ts'
import { inspectTls } from '../adapters/tls/inspect-tls.ts'
import { checkLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import type { DoctorConfig } from '../config/command-settings.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Database } from '../ports/database.ts'
import { checkBlobs } from '../services/doctor/check-blobs.ts'
import { checkCertificates } from '../services/doctor/check-certificates.ts'
import { checkClock } from '../services/doctor/check-clock.ts'
import { checkDatabase, checkRows, checkSchema } from '../services/doctor/check-database.ts'
import { checkDisk } from '../services/doctor/check-disk.ts'
import { checkDistribution } from '../services/doctor/check-distribution.ts'
import { checkFolder } from '../services/doctor/check-folder.ts'
import { checkIdleBlobs } from '../services/doctor/check-idle-blobs.ts'
import { checkLeftovers } from '../services/doctor/check-leftovers.ts'
import { checkOperations } from '../services/doctor/check-operations.ts'
import { checkScanner } from '../services/doctor/check-scanner.ts'
import { checkStore } from '../services/doctor/check-store.ts'
import type { Step } from '../services/doctor/step.ts'
import { type DoctorHooks, isWell, runDoctor, type StepReport } from '../services/doctor.ts'
import { VERSION } from '../version.ts'

/** What a doctor found, as it is printed for programs (docs/operations.md). */
export interface DoctorReport {
  /** Changes only where a member changes its meaning or goes. */
  format: 1
  version: string
  data: string
  isWell: boolean
  isServerRunning: boolean
  steps: StepReport[]
}

/**
 * Examines a data folder, with a server at work in it or without, and changes nothing. With `isRepair` it mends what can be mended; for that
 * it needs the folder's lock, so it throws an `Error` with a sentence while a server runs.
 */
export async function examine(
  config: DoctorConfig,
  { isDeep = false, isRepair = false, ...hooks }: DoctorHooks & { isDeep?: boolean; isRepair?: boolean },
): Promise<DoctorReport> {
  const folder = config.data
  refuseUnfinished(folder)
  if (!(await isDataFolder(folder))) {
    throw new Error(`There is no Aduana in ${folder}: name its data folder with --data.`)
  }
  await using closing = new AsyncDisposableStack()
  const lockPath = join(folder, 'lock.db')
  if (isRepair) {
    const lock = await lockData(lockPath, 0).catch((cause) => {
      throw new Error(`Nothing can be repaired while a server runs, so stop it first. ${cause.message}`, { cause })
    })
    closing.defer(() => lock.release())
  }
  const isServerRunning = !isRepair && isLocked(lockPath)

  const databasePath = join(folder, 'aduana.db')
  const blobsFolder = join(folder, 'blobs')
  let database: Database | undefined
  /** Opened by the first step that needs it, after the steps that judge whether it can be. */
  function openDatabase(): Database {
    // Opening it for writing would make an empty one in the place of one that is lost.
    if (!existsSync(databasePath)) throw new Error(`The database ${databasePath} is missing. Restore it from a backup.`)
    database ??= openSqlite(databasePath, { readOnly: !isRepair })
    return database
  }
  closing.defer(() => database?.close())
  let blobs: BlobStore | undefined
  const openBlobs = () => {
    if (blobs === undefined) throw new Error(`The store ${blobsFolder} was not opened.`)
    return blobs
  }

  const folderUpkeep = openDataFolderUpkeep({ folder, checkIdentity: () => checkLocalIssuer(folder) })
  const storeUpkeep = openFilesystemUpkeep({ folder: blobsFolder })
  // Opening a store makes what is missing of it, and that shall be told instead.
  if ((await storeUpkeep.flaws()).length === 0) blobs = await openFilesystemBlobs({ folder: blobsFolder })
  const databaseUpkeep = openSqliteUpkeep(databasePath)
  const { 'tls-cert': certPath, 'tls-key': keyPath } = config
  const own = certPath !== undefined && keyPath !== undefined ? { certPath, keyPath } : undefined

  const steps: Step[] = [
    checkFolder(folderUpkeep, { isRepair }),
    checkDisk(folderUpkeep),
    checkDatabase(databaseUpkeep),
    checkSchema(openDatabase),
    checkRows(openDatabase, databaseUpkeep),
    checkClock(openDatabase, folderUpkeep.newestAt),
    checkOperations(openDatabase, { isServerRunning, isRepair }),
    checkStore(storeUpkeep),
    // Before the blobs: a spare copy may be put in the place of one that is missing.
    checkLeftovers({ database: openDatabase, blobs: openBlobs, upkeep: storeUpkeep, isRepair }),
    checkBlobs({ database: openDatabase, blobs: openBlobs, upkeep: storeUpkeep, isDeep, isRepair }),
    checkIdleBlobs(openDatabase, { graceMs: config['sweep-after'], isServerRunning }),
    checkDistribution(openDatabase, { isServerRunning }),
    checkCertificates(() => inspectTls({ folder, own })),
  ]
  if (config.scanner !== undefined) {
    const scanner = openClamdScanner({ address: config.scanner, scanMaxBytes: config['scan-max'] })
    closing.defer(() => scanner.close())
    steps.push(checkScanner(scanner))
  }

  const reports = await runDoctor(steps, hooks)
  return { format: 1, version: VERSION, data: folder, isWell: isWell(reports), isServerRunning, steps: reports }
}
