import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImportUpdateInput } from '../../src/client/api-types.ts'
import type { Azurite } from './azurite.ts'

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname

export interface PublishedExample {
  input: ImportUpdateInput
  /** What lies behind each file name. */
  payloads: Map<string, Buffer>
  updateId: { provider: string; name: string; version: string }
}

/** Uploads one example, as a publisher would: payloads and manifest into Blob storage, and a SAS URL for each. */
export async function publishExample(azurite: Azurite, manifestPath: string): Promise<PublishedExample> {
  const folder = join(EXAMPLES, manifestPath, '..')
  const bytes = await readFile(join(EXAMPLES, manifestPath))
  const manifest = JSON.parse(bytes.toString().replace(/^\ufeff/, ''))
  const container = manifestPath.replaceAll(/[^a-z0-9]+/g, '-').slice(0, 60)

  async function publish(name: string, content: Buffer): Promise<string> {
    await azurite.upload(container, name, content)
    return azurite.sasUrl(container, name)
  }
  const payloads = new Map<string, Buffer>()
  const files = []
  for (const file of manifest.files ?? []) {
    for (const { filename } of [file, ...(file.relatedFiles ?? [])]) {
      const content = await readFile(join(folder, filename))
      payloads.set(filename, content)
      files.push({ filename, url: await publish(filename, content) })
    }
  }
  const importManifest = {
    url: await publish('importmanifest.json', bytes),
    sizeInBytes: bytes.byteLength,
    hashes: { sha256: createHash('sha256').update(bytes).digest('base64') },
  }
  return { input: { importManifest, ...(files.length > 0 && { files }) }, payloads, updateId: manifest.updateId }
}
