import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { SQLITE, sqliteCode } from './sqlite-errors.ts'

export interface DataLock {
  release(): void
}

/**
 * Takes the lock of a data folder, which one server at a time may hold. The lock is an exclusive transaction on a database of its
 * own, so the kernel frees it when the process dies, however it dies. Waits up to `waitMs` for a predecessor that is stopping.
 */
export async function lockData(path: string, waitMs = 10_000): Promise<DataLock> {
  const database = new DatabaseSync(path, { timeout: 0 })
  const until = Date.now() + waitMs
  for (;;) {
    try {
      database.exec('begin exclusive')
      return { release: () => database.close() }
    } catch (error) {
      if (!isBusy(error) || Date.now() >= until) {
        database.close()
        throw asLockError(error, path)
      }
      await sleep(100)
    }
  }
}

/** Whether a process holds the lock of a data folder at this moment. Looks only. */
export function isLocked(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    const database = new DatabaseSync(path, { timeout: 0, readOnly: true })
    try {
      database.prepare('pragma schema_version').all()
    } finally {
      database.close()
    }
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw asLockError(error, path)
  }
}

function isBusy(error: unknown): boolean {
  return sqliteCode(error) === SQLITE.busy
}

function asLockError(error: unknown, path: string): unknown {
  if (isBusy(error)) {
    return new Error(
      `Another server uses this data folder: ${path} is locked. Stop that one, or name another folder with --data.`,
    )
  }
  return sqliteCode(error) === SQLITE.notADatabase
    ? new Error(`${path} should be empty, but has something in it. Delete it while no server runs.`, { cause: error })
    : error
}
