import type { Dirent } from 'node:fs'
import { opendir, open as openFile, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type BlobName, isBlobName } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { BlobStore, BlobWriter, ByteRange, ResumedWriter, StoredBlob } from '../../ports/blob-store.ts'
import { refuseFull } from './disk-room.ts'
import { makeFolder, syncFolder } from './durable-files.ts'
import type { FileWrites } from './file-writes.ts'
import { FlushedFile } from './flushed-file.ts'
import { SMALL_BYTES_MAX, type SmallBlobs } from './small-blobs.ts'

/** The owner writes, the group (a backup, a web server) may read, others may not. */
const FILE_MODE = 0o640
const FOLDER_MODE = 0o750

/** What another node writes may lie untouched for long: it waits for its source. No import takes longer. */
const OTHERS_AGE_MS = 24 * 3600 * 1000

/** Measured with 1 GiB: 64 KiB takes three times as long; 1 MiB saves a tenth, for four times the memory per reader. */
const READ_BYTES = 256 * 1024

/**
 * Keeps blobs as files in `folder`, which is made if it is missing:
 *
 *     folder/
 *     ├─ v1/                      the version of this layout
 *     │  └─ 5e/                   the first two hex digits of the SHA-256, so that no folder grows huge
 *     │     └─ 5e88…2d.0a1b2c3d   a committed blob, under its name
 *     └─ partial/
 *        └─ 9f86…08.4d5e6f70      a blob that is being written, or was when its process died
 *
 * A commit flushes the file, moves it, and flushes the folder it was moved to: what is under `v1` is whole. Files of
 * others in these folders are left alone.
 *
 * Where several nodes share the folder, each names itself with `node` and writes to `partial/<node>/`, so that a partial blob has one
 * process that can ever write to it: a node that was paused and wakes must not add to what another goes on with.
 *
 * Where there are `smallBlobs`, they keep what is small, in the same order of steps; where there are `fileWrites`, they write what is large.
 */
export async function openFilesystemBlobs({
  folder,
  node,
  smallBlobs,
  fileWrites,
}: {
  folder: string
  node?: string
  smallBlobs?: SmallBlobs
  fileWrites?: FileWrites
}): Promise<BlobStore> {
  const root = resolve(folder)
  const shelves = join(root, 'v1')
  const allPartials = join(root, 'partial')
  const partials = node === undefined ? allPartials : join(allPartials, node)
  await makeFolder(partials, FOLDER_MODE)
  await makeFolder(shelves, FOLDER_MODE)
  // An earlier process may have made a shelf in it and been killed before it could flush that.
  await syncFolder(shelves)
  const shelvesMade = new Map<string, Promise<void>>()

  function shelfOf(name: BlobName): string {
    return join(shelves, checked(name).slice(0, 2))
  }

  /** Makes a shelf once. Concurrent commits all wait until it is durable, not only the one that made it. */
  function shelfMade(shelf: string): Promise<void> {
    let made = shelvesMade.get(shelf)
    if (made === undefined) {
      made = makeFolder(shelf, FOLDER_MODE)
      shelvesMade.set(shelf, made)
      made.catch(() => shelvesMade.delete(shelf))
    }
    return made
  }

  /** What is written in this process: name of the partial file → the bytes that are still to come. */
  const writing = new Map<BlobName, number>()

  async function beginWriting(
    { name, sizeInBytes }: { name: BlobName; sizeInBytes: number },
    { partial, keptBytes }: { partial: BlobName; keptBytes: number },
  ): Promise<BlobWriter> {
    const target = join(shelfOf(name), name)
    const path = join(partials, partial)
    const promisedBytes = sumOf(writing.values())
    writing.set(partial, sizeInBytes - keptBytes)
    let file: FlushedFile
    try {
      refuseFull(await statfs(partials), { name, sizeInBytes: sizeInBytes - keptBytes, promisedBytes })
      const handle = keptBytes === 0 ? await createPartial(path) : await openFile(path, 'a')
      file = new FlushedFile(handle, { keptBytes, blocks: fileWrites?.open(handle.fd, path) })
    } catch (error) {
      writing.delete(partial)
      throw error
    }
    let writtenBytes = keptBytes
    let isOpen = true
    const end = () => {
      isOpen = false
      writing.delete(partial)
    }

    return {
      async write(chunk) {
        writtenBytes += chunk.length
        writing.set(partial, Math.max(0, sizeInBytes - writtenBytes))
        await file.write(chunk)
      },
      async commit() {
        if (writtenBytes !== sizeInBytes) throw wrongSize(name, { sizeInBytes, writtenBytes })
        await file.finish()
        await shelfMade(dirname(target))
        await rename(path, target)
        await syncFolder(dirname(target))
        end()
      },
      async suspend() {
        if (!isOpen) return
        // What cannot be written any more is simply not kept.
        await file.finish({ flush: false }).catch(() => file.close().catch(() => {}))
        end()
      },
      async [Symbol.asyncDispose]() {
        if (!isOpen) return
        // Whatever closing has to report is about bytes that are to be dropped, or that `finish` has closed already.
        await file.close().catch(() => {})
        end()
        await rm(path, { force: true })
      },
    }
  }

  function beginSmall({ name, sizeInBytes }: { name: BlobName; sizeInBytes: number }, small: SmallBlobs): BlobWriter {
    const target = join(shelfOf(name), name)
    const promisedBytes = sumOf(writing.values())
    writing.set(name, sizeInBytes)
    const bytes = new Uint8Array(sizeInBytes)
    let writtenBytes = 0
    const end = () => void writing.delete(name)
    return {
      async write(chunk) {
        if (writtenBytes + chunk.length <= sizeInBytes) bytes.set(chunk, writtenBytes)
        writtenBytes += chunk.length
      },
      async commit() {
        if (writtenBytes !== sizeInBytes) throw wrongSize(name, { sizeInBytes, writtenBytes })
        await shelfMade(dirname(target))
        await small.keep({ name, bytes, partial: join(partials, name), target, mode: FILE_MODE, promisedBytes })
        end()
      },
      // To fetch so little again is as quick as to go on with it.
      suspend: async () => end(),
      [Symbol.asyncDispose]: async () => end(),
    }
  }

  return {
    async create({ name, sizeInBytes }) {
      if (writing.has(name)) throw takenName(name)
      if (smallBlobs !== undefined && sizeInBytes <= SMALL_BYTES_MAX)
        return beginSmall({ name, sizeInBytes }, smallBlobs)
      return await beginWriting({ name, sizeInBytes }, { partial: name, keptBytes: 0 })
    },

    async resume({ name, sizeInBytes, partial }): Promise<ResumedWriter | undefined> {
      const path = join(partials, checked(partial))
      if (writing.has(partial)) return undefined
      // Claimed before anything is awaited, so that a partial file has one writer.
      writing.set(partial, 0)
      const keptBytes = (await sizeIfThere(path)) ?? 0
      if (keptBytes === 0 || keptBytes > sizeInBytes) {
        writing.delete(partial)
        return undefined
      }
      const writer = await beginWriting({ name, sizeInBytes }, { partial, keptBytes })
      const kept = () => readFile({ name: partial, path, range: { start: 0, end: keptBytes - 1 } })
      return { ...writer, keptBytes, kept }
    },

    async abandon(partial) {
      if (!writing.has(partial)) await rm(join(partials, checked(partial)), { force: true })
    },

    async open(name, range) {
      const path = join(shelfOf(name), name)
      const blob = await statIfThere(path)
      if (blob === undefined) throw missing(name)
      return readFile({ name, path, range: range ?? { start: 0, end: blob.size - 1 } })
    },

    async size(name) {
      return (await statIfThere(join(shelfOf(name), name)))?.size
    },

    async *list(): AsyncIterable<StoredBlob> {
      for (const shelf of await entriesIn(shelves)) {
        if (!shelf.isDirectory()) continue
        for (const entry of await entriesIn(join(shelves, shelf.name))) {
          if (!isBlobFile(entry) || entry.name.slice(0, 2) !== shelf.name) continue
          const blob = await statIfThere(join(shelves, shelf.name, entry.name))
          if (blob !== undefined) yield { name: entry.name, sizeInBytes: blob.size, storedAt: Math.floor(blob.mtimeMs) }
        }
      }
    },

    async delete(name) {
      await rm(join(shelfOf(name), name), { force: true })
    },

    async dropAbandoned(ageMs, keep = new Set()) {
      let dropped = await dropFrom(partials, Date.now() - ageMs, (name) => keep.has(name) || writing.has(name))
      const othersBefore = Date.now() - Math.max(ageMs, OTHERS_AGE_MS)
      for (const other of [allPartials, ...(await foldersIn(allPartials))]) {
        if (other !== partials) dropped += await dropFrom(other, othersBefore, () => false)
      }
      return dropped
    },
  }
}

/** Deletes what was last written to before `lastWriteMs`. Answers how many. */
async function dropFrom(folder: string, lastWriteMs: number, isKept: (name: BlobName) => boolean): Promise<number> {
  let dropped = 0
  for await (const entry of await opendir(folder)) {
    if (!isBlobFile(entry) || isKept(entry.name)) continue
    const path = join(folder, entry.name)
    const partial = await statIfThere(path)
    if (partial === undefined || partial.mtimeMs > lastWriteMs) continue
    await rm(path, { force: true })
    dropped += 1
  }
  return dropped
}

/** In the order of names: one shelf has only a 256th of all blobs. */
async function entriesIn(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.sort((one, other) => (one.name < other.name ? -1 : 1))
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name))
}

/** Names become paths here, so this is the last place to stop one such as `../../etc/passwd`. */
function checked(name: BlobName): BlobName {
  if (!isBlobName(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a blob`)
  return name
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0
  for (const number of numbers) sum += number
  return sum
}

async function createPartial(path: string) {
  try {
    return await openFile(path, 'wx', FILE_MODE)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    throw takenName(path, error)
  }
}

function wrongSize(name: BlobName, facts: { sizeInBytes: number; writtenBytes: number }): AppError {
  return new AppError(
    'SizeMismatch',
    `Blob ${name} was announced with ${facts.sizeInBytes} bytes, but ${facts.writtenBytes} were written.`,
    { target: name },
  )
}

function takenName(name: string, cause?: unknown): Error {
  return new Error(`${name} is being written already. The name of a blob is used only once.`, { cause })
}

/** Opens the file only when the first bytes are asked for: an iteration that never begins leaks no descriptor. */
async function* readFile({ name, path, range }: { name: BlobName; path: string; range: ByteRange }) {
  const handle = await openFile(path).catch((error: unknown) => {
    throw hasCode(error, 'ENOENT') ? missing(name) : error
  })
  try {
    for (let position = range.start; position <= range.end; ) {
      // A new buffer each time: the reader may still be sending the last one.
      const chunk = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, range.end - position + 1))
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, position)
      if (bytesRead === 0) {
        throw new AppError(
          'BlobMissing',
          `Blob ${name} ends after ${position} bytes, but bytes up to ${range.end} were asked for.`,
          { target: name },
        )
      }
      position += bytesRead
      yield chunk.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

function missing(name: BlobName): AppError {
  return new AppError(
    'BlobMissing',
    `The bytes with the SHA-256 ${name.slice(0, 64)} (blob ${name}) are not in the store. ` +
      'Import the update again, or restore the store from a backup.',
    { target: name },
  )
}

/** A question about a file that cannot be asked is answered like one about a file that is not there. */
async function sizeIfThere(path: string): Promise<number | undefined> {
  return (await statIfThere(path).catch(() => undefined))?.size
}

async function statIfThere(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function isBlobFile(entry: Dirent): entry is Dirent & { name: BlobName } {
  return entry.isFile() && isBlobName(entry.name)
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
