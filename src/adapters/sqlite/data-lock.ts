import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

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
        throw isBusy(error) ? new Error(`Another server uses this data folder: ${path} is locked.`) : error
      }
      await sleep(100)
    }
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY: https://sqlite.org/rescode.html#busy
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
}
