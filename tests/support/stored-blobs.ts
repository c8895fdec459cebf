import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The SHA-256 of every blob in the store of a data folder, in base64. */
export async function storedDigests(folder: string): Promise<Set<string>> {
  const names = await readdir(join(folder, 'blobs/v1'), { recursive: true })
  const hex = names.map((name) => name.split('/').at(-1)?.split('.')[0] ?? '').filter((name) => name.length === 64)
  return new Set(hex.map((digest) => Buffer.from(digest, 'hex').toString('base64')))
}
