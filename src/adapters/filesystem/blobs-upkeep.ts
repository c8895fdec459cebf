import { access, constants, mkdir, opendir, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type BlobName, isBlobName } from '../../domain/blob.ts'
import type { PartialBlob, PutAside, StoreUpkeep } from '../../ports/upkeep.ts'
import { syncFolder } from './durable-files.ts'

/**
 * Looks after the folder that `openFilesystemBlobs` keeps blobs in. What is taken out of service lies in `damaged/` beside `v1/` and
 * `partial/`, under its name, until a person deletes it. Makes nothing until then.
 */
export function openFilesystemUpkeep({ folder }: { folder: string }): StoreUpkeep {
  const root = resolve(folder)
  const shelves = join(root, 'v1')
  const partials = join(root, 'partial')
  const damaged = join(root, 'damaged')

  return {
    async flaws() {
      const flaws: string[] = []
      const devices = new Set<number>()
      for (const path of [shelves, partials]) {
        try {
          devices.add((await stat(path)).dev)
          await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          flaws.push(
            code === 'ENOENT'
              ? `The folder ${path} is missing. Restore it from a backup, or name the store that the server has with --store; where nothing was imported yet, the next start makes it.`
              : `The folder ${path} cannot be read and written by this user: ${(error as Error).message}.`,
          )
        }
      }
      if (devices.size > 1) {
        flaws.push(
          `${shelves} and ${partials} are on different file systems, so no file can be taken in. Mount one disk.`,
        )
      }
      return flaws
    },
    async *partials() {
      yield* partialsIn(partials)
      // Nodes that share the folder have one of their own each.
      for await (const entry of await openIfThere(partials)) {
        if (entry.isDirectory()) yield* partialsIn(join(partials, entry.name))
      }
    },
    damaged: () => filesIn(damaged),
    async setAside(name) {
      if (!isBlobName(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a blob`)
      const shelf = join(shelves, name.slice(0, 2))
      const place = join(damaged, name)
      await mkdir(damaged, { recursive: true, mode: 0o750 })
      await rename(join(shelf, name), place)
      for (const path of [damaged, shelf]) await syncFolder(path)
      return place
    },
  }
}

async function* partialsIn(folder: string): AsyncIterable<PartialBlob> {
  for await (const file of filesIn(folder)) {
    yield {
      ...file,
      async drop() {
        await rm(join(folder, file.name), { force: true })
        return true
      },
    }
  }
}

async function* filesIn(folder: string): AsyncIterable<PutAside> {
  for await (const entry of await openIfThere(folder)) {
    if (!entry.isFile() || !isBlobName(entry.name)) continue
    const file = await stat(join(folder, entry.name)).catch(() => undefined)
    // It may just have been committed.
    if (file === undefined) continue
    yield { name: entry.name as BlobName, sizeInBytes: file.size, touchedAt: Math.floor(file.mtimeMs) }
  }
}

async function openIfThere(folder: string) {
  try {
    return await opendir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
