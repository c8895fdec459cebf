import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

interface NewFile {
  path: string
  content: string
  /** Permission bits, before the umask. */
  mode: number
}

/** Flushes the entries of a folder: a file that was made or renamed in it survives a power cut only after this. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders, and writes their entries through by itself.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a folder, given by its absolute path, and those above it that are missing, and flushes their entries. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const topmost = await mkdir(path, { recursive: true, mode })
  if (topmost === undefined) return
  for (let made = path; made.length >= topmost.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** The text of a file, or undefined if there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Puts a small file in the place of another, or of none. A crash leaves the old one or the new one, never a half. */
export async function replaceFile(file: NewFile): Promise<void> {
  await withTemporary(file, (temporary) => rename(temporary, file.path))
}

/**
 * Makes a small file, whole from the first moment that it can be seen, unless there is one: of several processes that
 * try at the same time one succeeds. Answers whether this one did.
 */
export async function createFile(file: NewFile): Promise<boolean> {
  return await withTemporary(file, async (temporary) => {
    try {
      await link(temporary, file.path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  })
}

async function withTemporary<T>(file: NewFile, place: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = `${file.path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', file.mode)
    try {
      await handle.writeFile(file.content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    const answer = await place(temporary)
    await syncFolder(dirname(file.path))
    return answer
  } finally {
    await rm(temporary, { force: true })
  }
}
