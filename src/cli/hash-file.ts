import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/**
 * The SHA-256 of a file in base64, and how many bytes had it. `onBytes` is told how many bytes came since it was last called. Throws the
 * reason of `signal`.
 */
export async function hashFile(
  path: string,
  { onBytes, signal }: { onBytes?: (count: number) => void; signal?: AbortSignal } = {},
): Promise<{ sizeInBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeInBytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
    hash.update(chunk)
    sizeInBytes += chunk.length
    onBytes?.(chunk.length)
  }
  return { sizeInBytes, sha256: hash.digest('base64') }
}
