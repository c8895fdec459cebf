import { createHash } from 'node:crypto'
import { glob, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeSwu } from './make-swu.ts'

const EXAMPLES = join(import.meta.dirname, '../examples')

interface ListedFile {
  filename: string
  sizeInBytes: number
  hashes: { sha256: string }
  relatedFiles?: ListedFile[]
}

/**
 * Everything under `examples/` that is made from something else, as path below it and content: the `.swu`, the copy of the
 * script, and every import manifest with the sizes and hashes of its payloads. The same sources always give the same bytes.
 */
export async function makeExamples(): Promise<Map<string, Buffer>> {
  const made = new Map<string, Buffer>()
  const read = async (path: string) => made.get(path) ?? (await readFile(join(EXAMPLES, path)))

  made.set('swupdate/toaster-os-1.2.0.swu', await toasterOs(read))
  // `az iot du update stage` takes payloads from the folder of the manifest, so the bundle needs its own copy.
  made.set('bundle/install-file.sh', await read('script/install-file.sh'))

  for await (const path of glob('*/*.importmanifest.json', { cwd: EXAMPLES })) {
    const manifest: { files?: ListedFile[] } = JSON.parse((await read(path)).toString())
    for (const file of (manifest.files ?? []).flatMap((file) => [file, ...(file.relatedFiles ?? [])])) {
      const bytes = await read(`${dirname(path)}/${file.filename}`)
      file.sizeInBytes = bytes.length
      file.hashes = { sha256: createHash('sha256').update(bytes).digest('base64') }
    }
    made.set(path, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`))
  }
  return made
}

async function toasterOs(read: (path: string) => Promise<Buffer>): Promise<Buffer> {
  const image = await read('swupdate/source/toaster-root.squashfs')
  const description = await read('swupdate/source/sw-description')
  const sha256 = createHash('sha256').update(image).digest('hex')
  // The placeholder is the one that Yocto's recipes for SWUpdate use.
  const filled = description.toString().replaceAll('$swupdate_get_sha256(toaster-root.squashfs)', sha256)
  return makeSwu([
    { name: 'sw-description', bytes: Buffer.from(filled) },
    { name: 'toaster-root.squashfs', bytes: image },
  ])
}

if (import.meta.main) {
  for (const [path, bytes] of await makeExamples()) {
    await writeFile(join(EXAMPLES, path), bytes)
    console.log(`examples/${path}`)
  }
}
