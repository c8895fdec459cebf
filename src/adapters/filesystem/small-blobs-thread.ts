import { closeSync, fsyncSync, openSync, renameSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { answerInGroups } from '../threads/answer-in-groups.ts'
import { refuseFull } from './disk-room.ts'
import { type FileFault, faultOf } from './file-fault.ts'

/** A blob whose bytes are all there, and where its file goes. */
export interface SmallBlob {
  name: string
  bytes: Uint8Array<ArrayBuffer>
  /** The path where it is written. Nothing may be there. */
  partial: string
  /** The path where it lies when it is whole. */
  target: string
  /** Permission bits, before the umask. */
  mode: number
  /** What is still to be written to the same disk by others. */
  promisedBytes: number
}

interface Keeping {
  blob: SmallBlob
  /** Its partial file was made here. */
  isMade?: boolean
  /** Of its file, while that is open. */
  descriptor?: number | undefined
  fault?: FileFault
}

const GROUP_BYTES_MAX = 4 * 1024 * 1024

answerInGroups<SmallBlob, FileFault | undefined>({
  weigh: ({ bytes }) => bytes.length,
  weightMax: GROUP_BYTES_MAX,
  answer: keepTogether,
})

/** Goes with all of them step by step, so that a folder they share is flushed once. One that fails holds up no other. */
function keepTogether(group: readonly SmallBlob[]): (FileFault | undefined)[] {
  const keepings: Keeping[] = group.map((blob) => ({ blob }))
  for (const step of [write, flush, place]) for (const keeping of keepings) attempt(keeping, step)
  const folders = new Set(keepings.filter(({ fault }) => fault === undefined).map(folderOf))
  for (const folder of folders) {
    const placed = keepings.filter((keeping) => folderOf(keeping) === folder)
    try {
      flushFolder(folder)
    } catch (error) {
      for (const keeping of placed) keeping.fault ??= faultOf(error)
    }
  }
  return keepings.map(({ fault }) => fault)
}

function attempt(keeping: Keeping, step: (keeping: Keeping) => void): void {
  if (keeping.fault !== undefined) return
  try {
    step(keeping)
  } catch (error) {
    keeping.fault = faultOf(error)
    drop(keeping)
  }
}

function write(keeping: Keeping): void {
  const { name, bytes, partial, mode, promisedBytes } = keeping.blob
  refuseFull(statfsSync(dirname(partial)), { name, sizeInBytes: bytes.length, promisedBytes })
  const descriptor = openSync(partial, 'wx', mode)
  Object.assign(keeping, { descriptor, isMade: true })
  // The kernel may take less than it was given.
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
}

function flush({ descriptor = -1 }: Keeping): void {
  fsyncSync(descriptor)
}

function place(keeping: Keeping): void {
  close(keeping)
  renameSync(keeping.blob.partial, keeping.blob.target)
}

/** Once only, whatever comes of it: the number may be that of another file the moment after. */
function close(keeping: Keeping): void {
  const { descriptor } = keeping
  keeping.descriptor = undefined
  if (descriptor !== undefined) closeSync(descriptor)
}

/** Leaves nothing behind of what was made here. */
function drop(keeping: Keeping): void {
  try {
    if (keeping.isMade) rmSync(keeping.blob.partial, { force: true })
    close(keeping)
  } catch {
    // Sweep drops it later; what went wrong before is what is told.
  }
}

function folderOf({ blob }: Keeping): string {
  return dirname(blob.target)
}

function flushFolder(folder: string): void {
  // As in `syncFolder`.
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
