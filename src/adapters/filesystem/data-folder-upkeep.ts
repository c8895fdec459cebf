import { chmod, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ExposedPath, FolderUpkeep } from '../../ports/upkeep.ts'
import { CATALOGUE, DATA_FILES } from './data-files.ts'
import { openDataFolder } from './data-folder.ts'

/** What they may give at most: keys to the owner only, what tells about updates to the group. */
const MODES_MAX: readonly { path: string; modeMax: number }[] = [CATALOGUE, ...DATA_FILES].flatMap(
  ({ path, mode, folderMode }) => [
    { path, modeMax: mode },
    ...(folderMode === undefined ? [] : [{ path: dirname(path), modeMax: folderMode }]),
  ],
)

/** Looks after a data folder. */
export function openDataFolderUpkeep({
  folder,
  checkIdentity,
}: {
  folder: string
  /** Throws an `Error` with a sentence where the marks or the keys in the folder are not what they should be. */
  checkIdentity: () => Promise<void>
}): FolderUpkeep {
  return {
    async flaws() {
      const flaws: string[] = []
      for (const check of [() => openDataFolder(folder), checkIdentity]) {
        await check().catch((error: Error) => flaws.push(error.message))
      }
      return flaws
    },
    async exposed() {
      // Windows has other means, and these bits say nothing there.
      if (process.platform === 'win32') return []
      const exposed: ExposedPath[] = []
      for (const { path: name, modeMax } of MODES_MAX) {
        const path = join(folder, name)
        const mode = ((await statIfThere(path))?.mode ?? 0) & 0o777
        const isTold = exposed.some((other) => other.path === path)
        if (!isTold && (mode & ~modeMax) !== 0) exposed.push({ path, mode, modeMax })
      }
      return exposed
    },
    async protect({ path, mode, modeMax }) {
      await chmod(path, mode & modeMax)
    },
    async newestAt() {
      let newestAt = 0
      for (const name of await readdir(folder)) {
        newestAt = Math.max(newestAt, (await statIfThere(join(folder, name)))?.mtimeMs ?? 0)
      }
      return newestAt
    },
  }
}

async function statIfThere(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
