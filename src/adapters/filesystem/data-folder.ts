import { constants } from 'node:fs'
import { access, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { refuseUnfinished } from './restored-folder.ts'

/** Either of these in a folder says that Aduana has been at work in it. */
const MARKS: ReadonlySet<string> = new Set(['installation.json', 'aduana.db'])
/** What may be in a folder that Aduana makes its own: a new disk has the first, a start that was killed at once leaves the others. */
const HARMLESS: ReadonlySet<string> = new Set(['lost+found', 'lock.db', 'lock.db-journal'])

/** What a server writes to; those that are not there yet are no matter. */
const WRITTEN = ['.', 'lock.db', 'aduana.db', 'aduana.db-wal', 'audit.jsonl', 'blobs', 'blobs/v1', 'blobs/partial']

/**
 * Makes the data folder if it is missing, and sees to it that a server may use it: it is empty, or Aduana's own and whole, and can be
 * written. Throws an `Error` that says what to do if not. A folder that is there already is not changed.
 */
export async function openDataFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o750 }).catch((error) => {
    throw new Error(`The data folder ${path} cannot be made: ${reasonOf(error)} Name another one with --data.`, {
      cause: error,
    })
  })
  refuseUnfinished(path)
  const names = await namesIn(path)
  const foreign = names.filter((name) => !HARMLESS.has(name))
  if (foreign.length > 0 && !isMarked(names)) {
    const more = foreign.length > 1 ? ` and ${foreign.length - 1} more` : ''
    throw new Error(
      `${path} is not a data folder of Aduana, and not empty: it has ${JSON.stringify(foreign.sort()[0])}${more}. ` +
        'Name an empty or a new folder with --data.',
    )
  }
  for (const name of WRITTEN) await refuseReadOnly(path, name)
}

/** Whether there is a folder in which Aduana has been at work. Throws an `Error` with a sentence if that cannot be seen. */
export async function isDataFolder(path: string): Promise<boolean> {
  try {
    return isMarked(await readdir(path))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return false
    throw new Error(`The data folder ${path} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

function isMarked(names: readonly string[]): boolean {
  return names.some((name) => MARKS.has(name))
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    throw new Error(`The data folder ${path} cannot be read: ${reasonOf(error)} Name another one with --data.`, {
      cause: error,
    })
  }
}

async function refuseReadOnly(folder: string, name: string): Promise<void> {
  const path = join(folder, name)
  try {
    await access(path, constants.R_OK | constants.W_OK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    const what = name === '.' ? `The data folder ${folder}` : `${path} in the data folder`
    throw new Error(`${what} cannot be written: ${reasonOf(error)} Mend that, or name another folder with --data.`, {
      cause: error,
    })
  }
}

/** What keeps this process from a path, as a sentence. */
function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'EROFS':
      return 'it is on a file system that is mounted for reading only.'
    case 'EACCES':
    case 'EPERM':
      return `the user that runs Aduana${process.getuid ? ` (uid ${process.getuid()})` : ''} has no right to.`
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a file stands where a folder should.'
    case 'ENOSPC':
      return 'the disk is full.'
    default:
      return `${error instanceof Error ? error.message : error}.`
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
