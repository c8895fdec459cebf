import { stat, statfs } from 'node:fs/promises'
import type { DiskRoom } from '../../ports/upkeep.ts'

/** The room on the disks that these folders are on, each disk once. Folders that are not there are left out. */
export async function diskRooms(folders: readonly string[]): Promise<DiskRoom[]> {
  const rooms = new Map<number, DiskRoom>()
  for (const path of folders) {
    const dev = await stat(path).then(
      (folder) => folder.dev,
      () => undefined,
    )
    if (dev === undefined || rooms.has(dev)) continue
    const { bavail, blocks, bsize, files, ffree } = await statfs(path)
    const freeFiles = files > 0 ? ffree : undefined
    rooms.set(dev, { path, freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles })
  }
  return [...rooms.values()]
}
