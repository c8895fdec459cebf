import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type BackupDescription, isSnapshotName, readBackupDescription } from '../../domain/backup-description.ts'
import type { BackupFolder } from '../../ports/backup-folder.ts'
import type { Database } from '../../ports/database.ts'
import { openFilesystemBlobs } from './blobs-filesystem.ts'
import { copyFile, sealFile } from './copy-file.ts'
import { CATALOGUE, DATA_FILES } from './data-files.ts'
import { makeFolder, readIfThere, replaceFile, syncFolder } from './durable-files.ts'

const DESCRIPTION = 'backup.json'
export const BACKUP_LOCK = 'backup.lock'

/** Nobody but the owner: there are keys in it. */
const FOLDER_MODE = 0o700

/** Left where a process was killed while it replaced the description. */
const UNFINISHED_DESCRIPTION = /^backup\.json\.[0-9a-f]{8}\.tmp$/
const OURS = /^(backup\.json(\.[0-9a-f]{8}\.tmp)?|backup\.lock(-journal)?|blobs|snapshot\.[0-9a-f]{8}|lost\+found)$/

/** Throws an `Error` with a sentence if something else than backups is in the folder: it would be mixed with them, or deleted. */
export async function refuseForeignFolder(folder: string): Promise<void> {
  const foreign = (await readdir(folder)).find((name) => !OURS.test(name))
  if (foreign === undefined) return
  throw new Error(
    `${folder} has something else in it than backups: ${foreign}. Name an empty or a new folder with --to.`,
  )
}

/** Throws an `Error` with a sentence if the backup in force is of another installation: it would be deleted in the end. */
export async function refuseOtherInstallation({ folder, data }: { folder: string; data: string }): Promise<void> {
  const snapshot = (await readDescription(folder))?.snapshot
  if (snapshot === undefined) return
  const theirs = await readIfThere(join(folder, snapshot, 'installation.json'))
  const ours = await readIfThere(join(data, 'installation.json'))
  if (theirs === undefined || theirs === ours) return
  throw new Error(`${folder} has the backup of another installation. Name another folder with --to.`)
}

/** What the backup in a folder is; undefined if none was finished. Throws an `Error` with a sentence if that cannot be understood. */
export async function readDescription(folder: string): Promise<BackupDescription | undefined> {
  const path = join(folder, DESCRIPTION)
  const text = await readIfThere(path)
  return text === undefined ? undefined : readBackupDescription(text, path)
}

/**
 * Opens a folder of backups of one data folder, made if it is missing:
 *
 *     folder/
 *     ├─ backup.json              0600   describes the backup in force and names its snapshot; replaced last, in one step
 *     ├─ snapshot.1a2b3c4d/       0700   the catalogue, the audit log, the identity and the keys, as in a data folder
 *     ├─ blobs/                          as in a data folder; what was copied for an earlier backup is not copied again
 *     └─ backup.lock                     held while a backup is made
 *
 * Whoever takes a snapshot must hold the lock.
 */
export async function openBackupFolder({
  folder,
  data,
  withKeys,
  copyCatalogue,
  openCatalogue,
}: {
  folder: string
  /** The data folder that is backed up. */
  data: string
  withKeys: boolean
  copyCatalogue: (options: { from: string; to: string; settle: (copy: Database) => Promise<void> }) => Promise<void>
  openCatalogue: (path: string) => Database
}): Promise<BackupFolder> {
  const root = resolve(folder)

  return {
    blobs: await openFilesystemBlobs({ folder: join(root, 'blobs') }),
    inForce: () => readDescription(root),

    async takeSnapshot(settle) {
      const name = `snapshot.${randomBytes(4).toString('hex')}`
      const snapshot = join(root, name)
      await makeFolder(snapshot, FOLDER_MODE)
      const path = join(snapshot, CATALOGUE.path)
      await copyCatalogue({ from: join(data, CATALOGUE.path), to: path, settle })
      const files = [{ path: CATALOGUE.path, ...(await sealFile(path)) }]
      for (const { path, mode, isKey, isLog = false } of DATA_FILES) {
        if (isKey && !withKeys) continue
        const to = join(snapshot, path)
        await makeFolder(dirname(to), FOLDER_MODE)
        const copied = await copyFile({ from: join(data, path), to, mode, wholeLines: isLog })
        if (copied !== undefined) files.push({ path, ...copied })
        await syncFolder(dirname(to))
      }
      const catalogue = openCatalogue(path)
      return { name, files, catalogue, [Symbol.asyncDispose]: () => catalogue.close() }
    },

    async putInForce(description) {
      const content = `${JSON.stringify(description, undefined, 2)}\n`
      await replaceFile({ path: join(root, DESCRIPTION), content, mode: 0o600 })
    },

    async dropOtherSnapshots() {
      const kept = (await readDescription(root))?.snapshot
      for (const name of await readdir(root)) {
        if (name !== kept && (isSnapshotName(name) || UNFINISHED_DESCRIPTION.test(name)))
          await rm(join(root, name), { recursive: true })
      }
    },
  }
}
