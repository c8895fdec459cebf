import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openClamdScanner } from '../adapters/clamd/scanner-clamd.ts'
import { openDataFolderUpkeep } from '../adapters/filesystem/data-folder-upkeep.ts'
import { diskRooms } from '../adapters/filesystem/disk-rooms.ts'
import { inspectTls } from '../adapters/tls/inspect-tls.ts'
import { checkLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import type { DoctorConfig } from '../config/command-settings.ts'
import { ConfigurationError } from '../config/read-settings.ts'
import { checkBlobs } from '../services/doctor/check-blobs.ts'
import { checkCertificates } from '../services/doctor/check-certificates.ts'
import { checkClock } from '../services/doctor/check-clock.ts'
import { checkDatabase, checkRows, checkSchema } from '../services/doctor/check-database.ts'
import { checkDisk } from '../services/doctor/check-disk.ts'
import { checkDistribution } from '../services/doctor/check-distribution.ts'
import { checkFolder, checkNoFolder } from '../services/doctor/check-folder.ts'
import { checkIdleBlobs } from '../services/doctor/check-idle-blobs.ts'
import { checkLeftovers } from '../services/doctor/check-leftovers.ts'
import { checkNodes } from '../services/doctor/check-nodes.ts'
import { checkOperations } from '../services/doctor/check-operations.ts'
import { checkScanner } from '../services/doctor/check-scanner.ts'
import { checkStore } from '../services/doctor/check-store.ts'
import { checkStoreMark } from '../services/doctor/check-store-mark.ts'
import { type DoctorHooks, isWell, runDoctor, type StepReport } from '../services/doctor/doctor.ts'
import type { Step } from '../services/doctor/step.ts'
import { VERSION } from '../version.ts'
import { openDistribution } from './distribution.ts'
import { type DoctorPlace, enterFolder, enterShared } from './doctor-place.ts'
import { enterStores } from './doctor-stores.ts'

/** What a doctor found, as it is printed for programs (docs/operations.md). */
export interface DoctorReport {
  /** Changes only where a member changes its meaning or goes. */
  format: 1
  version: string
  data: string
  /** Without a password. */
  database: string
  store: string
  isWell: boolean
  isServerRunning: boolean
  steps: StepReport[]
}

/**
 * Examines a data folder, or what nodes share, with servers at work or without, and changes nothing. With `isRepair` it mends what can be
 * mended; in a data folder it needs the lock for that, so it throws an `Error` with a sentence while a server runs.
 */
export async function examine(
  config: DoctorConfig,
  { isDeep = false, isRepair = false, ...hooks }: DoctorHooks & { isDeep?: boolean; isRepair?: boolean },
): Promise<DoctorReport> {
  if (config.database !== undefined && config.store === undefined) {
    throw new ConfigurationError(['--database needs --store: the one that its nodes have.'])
  }
  await using closing = new AsyncDisposableStack()
  const place =
    config.database === undefined
      ? await enterFolder(config, { isRepair, closing })
      : await enterShared(config.database, config, { closing })
  const { database, databaseUpkeep, folder, isAlone, isWorkerRunning, howToRepair } = place

  const stores = await enterStores(config)
  const { title, upkeep, blobs } = stores
  const { folderSteps, lastSteps, newestFileAt } = stepsOfFolder(place, config, { isRepair })
  const disks = [...(folder === undefined ? [] : [folder]), ...stores.folders]
  const steps: Step[] = [
    ...folderSteps,
    ...(disks.length > 0 ? [checkDisk(() => diskRooms(disks))] : []),
    checkDatabase(databaseUpkeep, { isDeep }),
    checkSchema(database),
    checkRows(database, databaseUpkeep),
    checkClock(database, newestFileAt),
    ...(place.isShared ? [checkNodes(database)] : []),
    checkOperations(database, { isServerRunning: isWorkerRunning, isRepair, howToRepair }),
    checkStore([stores, ...stores.others], { open: stores.open, isRepair }),
    checkStoreMark({ database, blobs, title, isNamed: config.store !== undefined }),
    // Before the blobs: a spare copy may be put in the place of one that is missing.
    checkLeftovers({ database, blobs, upkeep, isRepair, isAlone, howToRepair }),
    checkBlobs({ database, blobs, listed: stores.listed, upkeep, isDeep, isRepair, howToRepair }),
    checkIdleBlobs(database, { graceMs: config['sweep-after'], isServerRunning: isWorkerRunning }),
    checkDistribution(database, { configured: () => distributionOf(config), isServerRunning: isWorkerRunning }),
    ...lastSteps,
  ]
  if (config.scanner !== undefined) {
    const scanner = openClamdScanner({ address: config.scanner, scanMaxBytes: config['scan-max'] })
    closing.defer(() => scanner.close())
    steps.push(checkScanner(scanner))
  }

  const reports = await runDoctor(steps, hooks)
  return {
    format: 1,
    version: VERSION,
    data: config.data,
    database: place.title,
    store: title,
    isWell: isWell(reports),
    isServerRunning: place.isServerRunning,
    steps: reports,
  }
}

/** What looks at the data folder, first and last, if there is one. */
function stepsOfFolder({ folder, isShared }: DoctorPlace, config: DoctorConfig, { isRepair }: { isRepair: boolean }) {
  const { 'tls-cert': certPath, 'tls-key': keyPath } = config
  const own = certPath !== undefined && keyPath !== undefined ? { certPath, keyPath } : undefined
  if (folder === undefined) {
    const lastSteps = own === undefined ? [] : [checkCertificates(() => inspectTls({ folder: config.data, own }))]
    return { folderSteps: [checkNoFolder(config.data)], lastSteps, newestFileAt: async () => 0 }
  }
  const folderUpkeep = openDataFolderUpkeep({ folder, checkIdentity: () => checkLocalIssuer(folder) })
  // A node that answers no requests has none.
  const hasCertificates = own !== undefined || !isShared || existsSync(join(folder, 'tls'))
  return {
    folderSteps: [checkFolder(folderUpkeep, { isRepair })],
    lastSteps: hasCertificates ? [checkCertificates(() => inspectTls({ folder, own }))] : [],
    newestFileAt: folderUpkeep.newestAt,
  }
}

async function distributionOf({ distribute }: DoctorConfig) {
  return await openDistribution(
    distribute.map(({ name, value }) => ({ name, address: value, isRequired: false, template: undefined })),
  )
}
