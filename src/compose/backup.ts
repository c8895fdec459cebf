import { existsSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import {
  BACKUP_LOCK,
  openBackupFolder,
  readDescription,
  refuseForeignFolder,
  refuseOtherInstallation,
} from '../adapters/filesystem/backup-folder.ts'
import { openFilesystemBlobs } from '../adapters/filesystem/blobs-filesystem.ts'
import { digestFile } from '../adapters/filesystem/copy-file.ts'
import { CATALOGUE, DATA_FILES } from '../adapters/filesystem/data-files.ts'
import { isDataFolder } from '../adapters/filesystem/data-folder.ts'
import {
  beginFolder,
  finishFolder,
  prepareFolder,
  refuseUnfinished,
  restoreFiles,
} from '../adapters/filesystem/restored-folder.ts'
import type { StoreAddress } from '../adapters/object-store/store-address.ts'
import { copySqlite } from '../adapters/sqlite/copy-sqlite.ts'
import { isLocked, lockData } from '../adapters/sqlite/data-lock.ts'
import { openSqlite } from '../adapters/sqlite/database-sqlite.ts'
import { SQLITE, sqliteCode } from '../adapters/sqlite/sqlite-errors.ts'
import type { BackupDescription } from '../domain/backup-description.ts'
import { AppError } from '../domain/errors.ts'
import { type BackupReport, backUp } from '../services/backup/backup.ts'
import { checkBackup, refuseNewerBackup, restoreBlobs } from '../services/backup/restore.ts'
import { SECRET_COLUMNS } from '../store/backup.ts'
import { VERSION } from '../version.ts'
import { openStore } from './store.ts'

/**
 * Backs a data folder up, with the store of its server, to the folder `to`, beside a running server or a stopped one.
 * Throws an `Error` with a sentence; what was backed up before is whole then.
 */
export async function backUpFolder({
  data,
  store = { kind: 'folder', path: join(data, 'blobs') },
  to,
  withKeys,
  verify,
}: {
  data: string
  store?: StoreAddress | undefined
  to: string
  withKeys: boolean
  verify: boolean
}): Promise<BackupReport> {
  if (!(await isDataFolder(data)) || !existsSync(join(data, CATALOGUE.path))) {
    throw new Error(`There is no Aduana in ${data}: name its folder with --data.`)
  }
  refuseUnfinished(data)
  await inSentences(to, async () => {
    refuseInside({ data: resolve(data), to: resolve(to) })
    await mkdir(to, { recursive: true, mode: 0o700 })
    refuseInside({ data: await realpath(data), to: await realpath(to) })
    await refuseForeignFolder(to)
    await refuseOtherInstallation({ folder: to, data })
  })
  const lockPath = join(to, BACKUP_LOCK)
  if (isLocked(lockPath)) throw new Error(`Another backup to ${to} goes on at this moment.`)
  return await inSentences(to, async () => {
    const lock = await lockData(lockPath, 0)
    try {
      return await backUp({
        source: await openStore(store, {}),
        backup: await openBackupFolder({
          folder: to,
          data,
          withKeys,
          copyCatalogue: (options) => copySqlite({ ...options, emptied: SECRET_COLUMNS }),
          openCatalogue,
        }),
        program: VERSION,
        verify,
      })
    } finally {
      lock.release()
    }
  })
}

/**
 * Restores the backup in the folder `from` to a new or empty data folder, reading and checking every byte. The data folder is one for a
 * server only when everything is in it; until then it is marked, and the same command may be run again. Answers what was restored.
 */
export async function restoreFolder({ from, data }: { from: string; data: string }): Promise<BackupDescription> {
  return await inSentences(data, async () => {
    const description = await readDescription(from)
    if (description === undefined) throw new Error(`There is no finished backup in ${from}: it has no backup.json.`)
    refuseNewerBackup(description)
    const snapshot = join(from, description.snapshot)
    await checkSnapshot(snapshot, description)

    const catalogue = openCatalogue(join(snapshot, CATALOGUE.path))
    try {
      const backup = await openFilesystemBlobs({ folder: join(from, 'blobs') })
      await checkBackup({ description, catalogue, blobs: backup })

      await prepareFolder(data)
      const lock = await lockData(join(data, 'lock.db'), 0)
      try {
        await beginFolder(data)
        await restoreFiles({ snapshot, files: description.files, folder: data })
        const target = await openFilesystemBlobs({ folder: join(data, 'blobs') })
        await restoreBlobs({ catalogue, backup, target })
        await finishFolder(data)
      } finally {
        lock.release()
      }
    } finally {
      await catalogue.close()
    }
    return description
  })
}

/** Whether a backup has the keys of its server. */
export function hasKeys({ files }: BackupDescription): boolean {
  return DATA_FILES.some(({ path, isKey }) => isKey === true && files.some((file) => file.path === path))
}

function openCatalogue(path: string) {
  return openSqlite(path, { readOnly: true })
}

/** Before the catalogue is asked anything, and before anything is written. */
async function checkSnapshot(snapshot: string, { files }: BackupDescription): Promise<void> {
  for (const { path, sha256 } of files) {
    const found = existsSync(join(snapshot, path)) ? await digestFile(join(snapshot, path)) : undefined
    if (found?.sha256 === sha256) continue
    const flaw = found === undefined ? 'is missing' : 'is damaged: its SHA-256 is not the one in backup.json'
    throw new Error(`${join(snapshot, path)} ${flaw}. Use another backup.`)
  }
}

function refuseInside({ data, to }: { data: string; to: string }): void {
  const way = relative(data, to)
  if (way.startsWith('..') || resolve(way) === way) return
  throw new Error(
    `${to} is in the data folder: a backup there would be lost together with it. Name another one with --to.`,
  )
}

/** What the file system says is code for people who write programs. */
async function inSentences<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, path = folder } = Object(error) as NodeJS.ErrnoException
    if (error instanceof AppError && error.code === 'StoreFull') {
      throw new Error(`There is not enough room in ${folder}: ${error.message}`, { cause: error })
    }
    if (code === 'ENOSPC' || sqliteCode(error) === SQLITE.full)
      throw new Error(`There is not enough room in ${folder}.`, { cause: error })
    if (code === 'EACCES' || code === 'EPERM') {
      throw new Error(`No right to ${path}: run this as the user that runs the server.`, { cause: error })
    }
    throw error
  }
}
