import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whoever holds a lock longer than this has died. */
const LOCK_STALE_MS = 60_000
const LOCK_RETRY_MS = 50
/** There is no such file, or this user has no such folder: a container may have none that it can use. */
const UNREADABLE = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'])

/** Where the command line keeps what it remembers of its user: `$XDG_STATE_HOME/aduana` or what stands for it. */
export function stateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_STATE_HOME: xdg, LOCALAPPDATA: windows } = environment
  return join(xdg || windows || join(homedir(), '.local', 'state'), 'aduana')
}

export interface StateFile<T> {
  read(): Promise<Record<string, T>>
  /** Reads, lets `change` mend what was read, and writes it, while no other process can do the same. */
  change<R>(change: (entries: Record<string, T>) => R | Promise<R>): Promise<R>
}

/**
 * A small JSON object in the state folder of the user, which only they can read. It is replaced as a whole, so that a crash leaves the old
 * one; one that cannot be read counts as empty, since it is nothing that could not be made again.
 */
export function openStateFile<T>(name: string, folder: string = stateFolder()): StateFile<T> {
  const path = join(folder, name)

  async function read(): Promise<Record<string, T>> {
    try {
      return Object.assign(Object.create(null), JSON.parse(await readFile(path, 'utf8')))
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (!UNREADABLE.has(code) && !(error instanceof SyntaxError)) throw error
      return Object.create(null)
    }
  }

  async function write(entries: Record<string, T>): Promise<void> {
    const temporary = `${path}.${randomUUID()}`
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(entries, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  }

  return {
    read,
    async change(change) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const unlock = await lock(`${path}.lock`)
      try {
        const entries = await read()
        const before = JSON.stringify(entries)
        try {
          return await change(entries)
        } finally {
          if (JSON.stringify(entries) !== before) await write(entries)
        }
      } finally {
        await unlock()
      }
    },
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600)
      await file.close()
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const held = await stat(path).catch(() => undefined)
    if (held !== undefined && Date.now() - held.mtimeMs > LOCK_STALE_MS) await rm(path, { force: true })
    else await sleep(LOCK_RETRY_MS)
  }
}
