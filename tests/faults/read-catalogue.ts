import { createHash } from 'node:crypto'
import { findContent, listFiles } from '../../src/store/updates/files.ts'
import { findUpdate, listNames, listProviders, listUpdates, listVersions } from '../../src/store/updates/updates.ts'
import type { Ports } from './data-under-test.ts'
import type { ModelReads } from './model.ts'

const PAGE = { limit: 100 }

/** Asks everything that a client can ask about the catalogue of an instance, down to the bytes. */
export async function readCatalogue(
  { database, blobs }: Pick<Ports, 'database' | 'blobs'>,
  instance: string,
): Promise<ModelReads> {
  const { items: providers } = await listProviders(database, { instance, ...PAGE })
  const reads: ModelReads = { providers, names: {}, versions: {}, updates: [] }
  for (const provider of providers) {
    const names = (await listNames(database, { instance, provider, ...PAGE }))?.items ?? []
    reads.names[provider.toLowerCase()] = names
    for (const name of names) {
      const versions = await listVersions(database, { instance, provider, name, ...PAGE })
      reads.versions[`${provider}/${name}`.toLowerCase()] = versions?.items ?? []
    }
  }
  for (const { updateId } of (await listUpdates(database, { instance, ...PAGE })).items) {
    const update = await findUpdate(database, instance, updateId)
    if (update === undefined) throw new Error(`${updateId.name} is listed and not found.`)
    const { isDeployable, referencedBy } = update
    const files: ModelReads['updates'][number]['files'] = []
    for (const { fileName, sizeInBytes, hashes, contentId } of (await listFiles(database, update.id)) ?? []) {
      const content = await findContent(database, contentId)
      const hash = createHash('sha256')
      if (content !== undefined) for await (const chunk of await blobs.open(content.blob)) hash.update(chunk)
      files.push({ name: fileName, sizeInBytes, sha256: hashes.sha256 ?? '', content: hash.digest('base64') })
    }
    reads.updates.push({ updateId: update.updateId, isDeployable, referencedBy, files })
  }
  return reads
}
