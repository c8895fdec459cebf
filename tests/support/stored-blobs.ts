import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Aduana } from './start-aduana.ts'

/** The SHA-256 of every blob in the store of a server, in base64. */
export async function storedDigests({ folder, container }: Aduana): Promise<Set<string>> {
  const names = (await container?.names()) ?? (await readdir(join(folder, 'blobs/v1'), { recursive: true }))
  const hex = names.map((name) => name.split('/').at(-1)?.split('.')[0] ?? '').filter((name) => name.length === 64)
  return new Set(hex.map((digest) => Buffer.from(digest, 'hex').toString('base64')))
}

/** The names of what is being written there. */
export async function partialsOf({ folder, container }: Aduana): Promise<string[]> {
  return (await container?.partials()) ?? (await readdir(join(folder, 'blobs/partial')))
}
