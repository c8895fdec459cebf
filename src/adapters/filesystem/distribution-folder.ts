import { randomBytes } from 'node:crypto'
import { open, opendir, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { contentPath, readContentPath } from '../../domain/distribution.ts'
import { AppError } from '../../domain/errors.ts'
import type { DistributionStore, StoredCopy } from '../../ports/distribution-store.ts'
import { refuseFull } from './disk-room.ts'
import { makeFolder, syncFolder } from './durable-files.ts'
import { FlushedFile } from './flushed-file.ts'

/** For a web server that runs as somebody else; the umask may narrow it. */
const FILE_MODE = 0o644
const FOLDER_MODE = 0o755

/** Hidden, so that web servers can be told not to serve it. */
const PARTIAL = '.partial'
/** No copy takes longer, whoever writes it. */
const ABANDONED_MS = 24 * 3600 * 1000

/** The folder is read once for each first digit: so only a sixteenth of the names is in memory. */
const FIRST_DIGITS = '0123456789abcdef'

/** Copies that are looked at together: most of the time each waits for a thread. */
const LOOKS_AT_ONCE = 16

/**
 * A distribution store in `folder`, for a web server:
 *
 *     folder/
 *     ├─ 5f0c…9a/               the content id
 *     │  └─ firmware.swu        a copy, whole
 *     └─ .partial/              what is being written, under names of chance
 *
 * The folder is made whenever it is missing: it may be emptied, deleted or mounted anew at any time. Files of others are left alone.
 */
export function openDistributionFolder(folder: string): DistributionStore {
  const root = resolve(folder)
  const partials = join(root, PARTIAL)
  let promisedBytes = 0

  function placeOf(path: string): string {
    // Paths become files here, so this is the last place to stop one such as `../../etc/passwd`.
    if (readContentPath(path) === undefined) throw new TypeError(`${JSON.stringify(path)} is no path of a copy`)
    return join(root, path)
  }

  async function writePartial(
    partial: string,
    { sizeInBytes, path }: { sizeInBytes: number; path: string },
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    refuseFull(await statfs(partials), { name: path, sizeInBytes, promisedBytes })
    let leftBytes = sizeInBytes
    promisedBytes += leftBytes
    const file = new FlushedFile(await open(partial, 'wx', FILE_MODE))
    try {
      for await (const chunk of bytes) {
        await file.write(chunk)
        leftBytes -= chunk.length
        promisedBytes -= chunk.length
      }
      if (leftBytes !== 0) throw wrongSize(path, sizeInBytes, sizeInBytes - leftBytes)
      await file.finish()
    } finally {
      promisedBytes -= leftBytes
      await file.close().catch(() => {})
    }
  }

  return {
    async put(copy, bytes) {
      const place = placeOf(copy.path)
      const partial = join(partials, randomBytes(16).toString('hex'))
      await makeFolder(partials, FOLDER_MODE)
      try {
        await writePartial(partial, copy, bytes)
        await makeFolder(dirname(place), FOLDER_MODE)
        await rename(partial, place)
        await syncFolder(dirname(place))
      } finally {
        await rm(partial, { force: true })
      }
    },

    async size(path) {
      return (await statIfThere(placeOf(path)))?.size
    },

    async *list(): AsyncIterable<StoredCopy> {
      // Whoever looks at everything sees what crashes have left, too.
      await dropAbandoned(partials)
      for (const digit of FIRST_DIGITS) {
        const contentIds = await contentIdsIn(root, digit)
        for (let next = 0; next < contentIds.length; next += LOOKS_AT_ONCE) {
          const together = contentIds.slice(next, next + LOOKS_AT_ONCE)
          yield* (await Promise.all(together.map((contentId) => copiesUnder(root, contentId)))).flat()
        }
      }
    },

    async delete(path) {
      const place = placeOf(path)
      await rm(place, { force: true })
      // Not if others have put something there.
      await rmdir(dirname(place)).catch(() => {})
    },
  }
}

/** Those that begin with the digit, in order; none where the folder is gone. */
async function contentIdsIn(root: string, digit: string): Promise<string[]> {
  const ids: string[] = []
  const folder = await orIfGone(opendir(root, { bufferSize: 1000 }), undefined)
  if (folder === undefined) return ids
  for await (const entry of folder) {
    if (entry.name.startsWith(digit) && /^[0-9a-f]{32}$/.test(entry.name) && entry.isDirectory()) ids.push(entry.name)
  }
  return ids.sort()
}

async function copiesUnder(root: string, contentId: string): Promise<StoredCopy[]> {
  const copies: StoredCopy[] = []
  for (const fileName of await orIfGone(readdir(join(root, contentId)), [])) {
    const path = contentPath({ contentId, fileName })
    const copy = await statIfThere(join(root, path))
    if (copy?.isFile()) copies.push({ path, sizeInBytes: copy.size, storedAt: Math.floor(copy.mtimeMs) })
  }
  return copies
}

async function dropAbandoned(partials: string): Promise<void> {
  for (const name of await orIfGone(readdir(partials), [])) {
    const path = join(partials, name)
    const partial = await statIfThere(path)
    if (partial !== undefined && partial.mtimeMs < Date.now() - ABANDONED_MS) await rm(path, { force: true })
  }
}

async function statIfThere(path: string) {
  return await orIfGone(stat(path), undefined)
}

async function orIfGone<T, Gone>(asked: Promise<T>, gone: Gone): Promise<T | Gone> {
  try {
    return await asked
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return gone
    throw error
  }
}

function wrongSize(path: string, sizeInBytes: number, actualBytes: number): AppError {
  return new AppError('SizeMismatch', `${path} should have ${sizeInBytes} bytes, but ${actualBytes} came.`)
}
