import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'

/** A file that is there; its bytes have not been read yet. */
export interface FoundFile {
  fileName: string
  /** The same for every way to the same file. */
  realPath: string
  sizeInBytes: number
}

/** Looks at a file. Throws an `Error` with a sentence where there is none. */
export async function findFile(path: string): Promise<FoundFile> {
  try {
    const [realPath, stats] = [await realpath(path), await stat(path)]
    if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'is a folder, not a file.' : 'is no ordinary file.')
    return { fileName: basename(path), realPath, sizeInBytes: stats.size }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new Error(code === 'ENOENT' ? 'there is no such file.' : `cannot be read: ${message}.`, { cause: error })
  }
}

/** The SHA-256 of a file in base64, and how many bytes had it. `onBytes` is told how many bytes came since it was last called. */
export async function hashFile(
  path: string,
  { onBytes }: { onBytes?: (count: number) => void } = {},
): Promise<{ sizeInBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeInBytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk)
    sizeInBytes += chunk.length
    onBytes?.(chunk.length)
  }
  return { sizeInBytes, sha256: hash.digest('base64') }
}
