import type { FolderUpkeep } from '../../ports/upkeep.ts'
import type { Step } from './step.ts'

const MiB = 1024 * 1024
/** The store keeps that much back for the database, and takes no file beyond it. */
const RESERVE_BYTES = 64 * MiB
const LITTLE_BYTES = 1024 * MiB
const LITTLE_FILES = 1000

/** Whether the disk has room for the next imports. */
export function checkDisk(folder: Pick<FolderUpkeep, 'room'>): Step {
  return {
    name: 'disk-space',
    title: 'Disk space',
    needs: [],
    async run(pen) {
      const { freeBytes, totalBytes, freeFiles } = await folder.room()
      const free = `${inMiB(freeBytes)} of ${inMiB(totalBytes)} MiB are free`
      const remedy = 'Delete updates that nobody needs, or give the data folder a larger disk.'
      if (freeBytes <= RESERVE_BYTES) pen.problem(`Only ${free}, so no file is taken in. ${remedy}`)
      else if (freeBytes < LITTLE_BYTES) pen.warn(`Only ${free}. ${remedy}`)
      if (freeFiles !== undefined && freeFiles < LITTLE_FILES) {
        pen.warn(`The file system can take only ${freeFiles} more files (inodes). ${remedy}`)
      }
      return `${free}.`
    },
  }
}

function inMiB(bytes: number): number {
  return Math.floor(bytes / MiB)
}
