import type { DiskRoom } from '../../ports/upkeep.ts'
import type { Step } from './step.ts'

const MiB = 1024 * 1024
/** The store keeps that much back for the database, and takes no file beyond it. */
const RESERVE_BYTES = 64 * MiB
const LITTLE_BYTES = 1024 * MiB
const LITTLE_FILES = 1000

/** Whether the disks have room for the next imports. */
export function checkDisk(look: () => Promise<DiskRoom[]>): Step {
  return {
    name: 'disk-space',
    title: 'Disk space',
    needs: [],
    async run(pen) {
      const rooms = await look()
      for (const { path, freeBytes, totalBytes, freeFiles } of rooms) {
        const free = `${inMiB(freeBytes)} of ${inMiB(totalBytes)} MiB are free in ${path}`
        const remedy = 'Delete updates that nobody needs, or give it a larger disk.'
        if (freeBytes <= RESERVE_BYTES) pen.problem(`Only ${free}, so no file is taken in. ${remedy}`)
        else if (freeBytes < LITTLE_BYTES) pen.warn(`Only ${free}. ${remedy}`)
        if (freeFiles !== undefined && freeFiles < LITTLE_FILES) {
          pen.warn(`The file system of ${path} can take only ${freeFiles} more files (inodes). ${remedy}`)
        }
      }
      if (rooms.length === 0) return 'There is no disk to look at.'
      return `${rooms.map((room) => `${inMiB(room.freeBytes)} of ${inMiB(room.totalBytes)} MiB`).join(', ')} are free.`
    },
  }
}

function inMiB(bytes: number): number {
  return Math.floor(bytes / MiB)
}
