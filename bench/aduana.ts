import { mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Aduana, startAduana } from '../tests/support/start-aduana.ts'

/** Bytes that nothing names any more go at once, so that one measurement leaves nothing on the disk for the next. */
const FLAGS = ['--allow-source', '127.0.0.0/8', '--sweep-after', '1ms']

/** The real program on a data folder inside `folder`. */
export async function startServer(folder: string, flags: readonly string[] = []): Promise<Aduana> {
  return await startAduana({ folder: await mkdtemp(join(folder, 'data-')), flags: [...FLAGS, ...flags] })
}

/** Waits until the store has no more than `left` blobs, manifests among them: those of deleted updates are gone. */
export async function swept({ folder }: Aduana, left = 0): Promise<void> {
  for (;;) {
    const entries = await readdir(join(folder, 'blobs', 'v1'), { recursive: true, withFileTypes: true })
    if (entries.filter((entry) => entry.isFile()).length <= left) return
    await sleep(50)
  }
}
