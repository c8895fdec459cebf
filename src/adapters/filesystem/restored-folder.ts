import { existsSync } from 'node:fs'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { BackupFile } from '../../domain/backup-description.ts'
import { copyFile } from './copy-file.ts'
import { CATALOGUE, DATA_FILES } from './data-files.ts'
import { makeFolder, syncFolder } from './durable-files.ts'

/** While it is in a folder, no server may use that: something is still missing. */
export const UNFINISHED = 'restore.unfinished'

const UNFINISHED_TEXT = 'A restore into this folder has begun and not ended. Run it again.\n'

/** A new disk has the first; an attempt that could not begin leaves the others. */
const HARMLESS: ReadonlySet<string> = new Set(['lost+found', 'lock.db', 'lock.db-journal'])

/** Throws an `Error` with a sentence if a restore into this folder has begun and not ended. */
export function refuseUnfinished(folder: string): void {
  if (existsSync(join(folder, UNFINISHED))) {
    throw new Error(`A restore into ${folder} has not ended, so not everything is there. Run aduana restore again.`)
  }
}

/**
 * Makes a folder that a backup can be restored to, or sees that it is one: empty, or left unfinished by an earlier attempt. Throws an
 * `Error` with a sentence if not.
 */
export async function prepareFolder(folder: string): Promise<void> {
  await makeFolder(resolve(folder), 0o750)
  const names = await readdir(folder)
  const inTheWay = names.filter((name) => !HARMLESS.has(name))
  if (inTheWay.length === 0 || names.includes(UNFINISHED)) return
  throw new Error(
    `${folder} is not empty: it has ${inTheWay.sort()[0]}. A backup is restored to an empty or a new folder; ` +
      'name another one with --data, or move this one away first.',
  )
}

/** Marks the folder as unfinished: from here on it is no data folder until `finishFolder`. */
export async function beginFolder(folder: string): Promise<void> {
  // Only that it is there counts, so half of it will do.
  await writeFile(join(folder, UNFINISHED), UNFINISHED_TEXT, { flush: true })
  await syncFolder(folder)
}

/** Makes the folder a data folder, in one step. Everything in it must be durable. */
export async function finishFolder(folder: string): Promise<void> {
  await syncFolder(folder)
  await rm(join(folder, UNFINISHED))
  await syncFolder(folder)
}

/** Copies the files of a snapshot to a data folder, in the place of what an earlier attempt left. Throws an `Error` if one is damaged. */
export async function restoreFiles({
  snapshot,
  files,
  folder,
}: {
  /** The folder of the snapshot. */
  snapshot: string
  files: readonly BackupFile[]
  folder: string
}): Promise<void> {
  for (const { path, mode, folderMode = 0o750 } of [CATALOGUE, ...DATA_FILES]) {
    const expected = files.find((file) => file.path === path)
    const from = join(snapshot, path)
    const to = join(resolve(folder), path)
    await rm(to, { force: true })
    if (expected === undefined) continue
    await makeFolder(dirname(to), folderMode)
    const copied = await copyFile({ from, to, mode })
    if (copied?.sha256 !== expected.sha256) {
      throw new Error(`${from} is ${copied ? 'damaged' : 'missing'}. Use another backup.`)
    }
    await syncFolder(dirname(to))
  }
}
