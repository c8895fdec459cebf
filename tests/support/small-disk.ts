import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, rmdir, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real file system of a few megabytes, in memory, that no other process sees. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted: for processes that are started with `launcher`. */
  folder: string
  /** The same place as this process sees it. Not for SQLite, which follows it to the wrong place. */
  view: string
  /** Starts a command so that it sees the disk. */
  launcher: readonly string[]
  freeBytes(): Promise<number>
  /** Takes all room but so many bytes, as if somebody else had put something there. */
  fill(leaveBytes: number): Promise<void>
  /** Takes all room to the last byte, and also what is given back meanwhile. */
  keepFull(): Promise<void>
  /** Takes away again what was put there. */
  makeRoom(): Promise<void>
}

const FILLER = 'put-here-by-somebody-else'
const REFILL_MS = 10

/**
 * Mounts one in a mount namespace of its own, which needs no rights but that of making such namespaces; it disappears with this
 * process, however that ends. Answers undefined where the system does not allow it.
 */
export async function mountSmallDisk(sizeInBytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-disk-'))
  const mount = `mount -t tmpfs -o size=${sizeInBytes},mode=700 tmpfs "$1" && echo mounted && read forever`
  const holder = spawn('unshare', ['--mount', '--map-root-user', 'sh', '-c', mount, 'sh', folder], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const exited = once(holder, 'exit').catch(() => {})
  const isMounted = await Promise.race([once(holder.stdout, 'data').then(() => true), exited.then(() => false)])
  if (!isMounted || holder.pid === undefined) {
    await rmdir(folder)
    return undefined
  }
  const view = `/proc/${holder.pid}/root${folder}`
  const filler = join(view, FILLER)
  let refilling: NodeJS.Timeout | undefined
  const freeBytes = async () => {
    const { bavail, bsize } = await statfs(view)
    return bavail * bsize
  }
  return {
    folder,
    view,
    launcher: ['nsenter', '--target', String(holder.pid), '--user', '--mount', '--preserve-credentials'],
    freeBytes,
    async fill(leaveBytes) {
      takeRoom(filler, (await freeBytes()) - leaveBytes)
    },
    async keepFull() {
      takeRoom(filler, Number.POSITIVE_INFINITY)
      refilling = setInterval(takeRoom, REFILL_MS, filler, Number.POSITIVE_INFINITY)
    },
    async makeRoom() {
      clearInterval(refilling)
      await rm(filler, { force: true })
    },
    async [Symbol.asyncDispose]() {
      clearInterval(refilling)
      holder.stdin.end()
      await exited
      await rmdir(folder)
    },
  }
}

/** Until nothing more fits, if it comes to that. */
function takeRoom(path: string, sizeInBytes: number): void {
  const file = openSync(path, 'a')
  const block = Buffer.alloc(1024 * 1024, 'x')
  try {
    for (let left = sizeInBytes; left > 0; ) left -= writeSync(file, block, 0, Math.min(left, block.length))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}
