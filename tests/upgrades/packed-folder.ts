import { chmod, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

interface PackedEntry {
  path: string
  mode: number
  /** Base64; absent for a folder. */
  content?: string
}

/** Everything in a folder but what `isLeftOut` says, as one text that nothing but Node is needed to unpack. */
export async function packFolder(folder: string, isLeftOut: (path: string) => boolean): Promise<Buffer> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) => !isLeftOut(path)).sort()
  const entries: PackedEntry[] = []
  for (const path of paths) {
    const found = await lstat(join(folder, path))
    const entry = { path, mode: found.mode & 0o777 }
    entries.push(
      found.isDirectory() ? entry : { ...entry, content: (await readFile(join(folder, path))).toString('base64') },
    )
  }
  return gzipSync(JSON.stringify(entries), { level: 9 })
}

/** Makes the folder again, with the rights that everything in it had. */
export async function unpackFolder(packed: Uint8Array, folder: string): Promise<void> {
  const entries = JSON.parse(gunzipSync(packed).toString()) as PackedEntry[]
  for (const { path, mode, content } of entries) {
    const target = join(folder, path)
    await mkdir(content === undefined ? target : dirname(target), { recursive: true })
    if (content !== undefined) await writeFile(target, Buffer.from(content, 'base64'))
    await chmod(target, mode)
  }
}
