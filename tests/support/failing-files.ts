import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a program asks of the file system that a broken disk answers with an error. */
export type DiskCall = 'write' | 'sync' | 'rename' | 'read' | 'open' | 'stat'

const HANDLE_METHODS = { write: ['write'], sync: ['sync', 'datasync'], read: ['read'] } as const

/**
 * From now on such calls of this process fail with EIO, as those to a broken disk do, but let the first `after` of them pass. For
 * `open` and `rename` only below the temporary folder. Dispose of it to mend the disk.
 */
export async function breakDisk(call: DiskCall, { after = 0 }: { after?: number } = {}): Promise<Disposable> {
  let passed = 0
  const isBroken = (path = tmpdir()) => path.startsWith(tmpdir()) && ++passed > after
  const failure = () => Object.assign(new Error(`EIO: i/o error, ${call}`), { code: 'EIO', errno: -5, syscall: call })
  const mended: (() => void)[] = []

  function replace<T extends object, K extends keyof T>(owner: T, method: K, takesPath: boolean): void {
    const original = owner[method] as (...args: unknown[]) => Promise<unknown>
    owner[method] = async function (this: unknown, ...args: unknown[]) {
      if (isBroken(takesPath ? String(args[0]) : undefined)) throw failure()
      return original.apply(this, args)
    } as T[K]
    mended.push(() => {
      owner[method] = original as T[K]
    })
  }

  if (call === 'rename' || call === 'open' || call === 'stat') {
    replace(fs, call, true)
  } else {
    const handle = await fs.open(join(import.meta.dirname, 'failing-files.ts'))
    const prototype = Object.getPrototypeOf(handle) as typeof handle
    await handle.close()
    for (const method of HANDLE_METHODS[call]) replace(prototype, method, false)
  }
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      for (const mend of mended) mend()
      syncBuiltinESMExports()
    },
  }
}
