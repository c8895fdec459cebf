import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, open, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const MiB = 1024 * 1024

/** A file to be imported. */
export interface SourceFile {
  path: string
  sizeInBytes: number
  /** In hex. */
  sha256: string
}

/** A file of bytes that nobody could compress, made once and kept in `cache`. The same size has the same bytes everywhere. */
export async function sourceFile(cache: string, sizeInBytes: number): Promise<SourceFile> {
  await mkdir(cache, { recursive: true })
  const path = join(cache, `${sizeInBytes / MiB}-mib.bin`)
  const note = `${path}.sha256`
  if (!existsSync(note)) await writeFile(note, await makeFile(path, sizeInBytes))
  return { path, sizeInBytes, sha256: await readFile(note, 'utf8') }
}

async function makeFile(path: string, sizeInBytes: number): Promise<string> {
  // A stream cipher over zeros: fast, and no run depends on the randomness of another.
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16))
  const hash = createHash('sha256')
  const zeros = Buffer.alloc(MiB)
  const file = await open(`${path}.partial`, 'w')
  for (let left = sizeInBytes; left > 0; left -= MiB) {
    const chunk = cipher.update(left < MiB ? zeros.subarray(0, left) : zeros)
    hash.update(chunk)
    await file.write(chunk)
  }
  await file.sync()
  await file.close()
  await rename(`${path}.partial`, path)
  return hash.digest('hex')
}

/** Lets a file server serve it, without a copy. */
export async function serveFile({ path }: SourceFile, root: string, name: string): Promise<void> {
  await link(path, join(root, name))
}

/** Bytes that no file had before. */
export interface Content {
  bytes: Buffer
  /** In hex. */
  sha256: string
}

/** As many different contents of one size, in memory. */
export function randomContents(count: number, sizeInBytes: number): Content[] {
  return Array.from({ length: count }, () => {
    const bytes = randomBytes(sizeInBytes)
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
  })
}
