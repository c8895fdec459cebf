import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../src/client/api-client.ts'
import type { ImportUpdateInput } from '../src/client/api-types.ts'
import type { UpdateId } from '../src/domain/update-id.ts'

export interface Publication {
  /** The folder that `origin` serves. */
  root: string
  origin: string
  updateId: UpdateId
  files: readonly { fileName: string; sizeInBytes: number; sha256: string }[]
}

/** Writes the import manifest of an update whose files are served already. Answers what an import has to send. */
export async function publish({ root, origin, updateId, files }: Publication): Promise<ImportUpdateInput> {
  const names = files.map(({ fileName }) => fileName)
  const manifest = JSON.stringify({
    updateId,
    compatibility: [{ deviceManufacturer: 'Contoso', deviceModel: 'Toaster' }],
    instructions: {
      steps: [{ handler: 'microsoft/swupdate:1', files: names, handlerProperties: { installedCriteria: '1.0' } }],
    },
    files: files.map(({ fileName, sizeInBytes, sha256 }) => ({
      filename: fileName,
      sizeInBytes,
      hashes: { sha256: Buffer.from(sha256, 'hex').toString('base64') },
    })),
    createdDateTime: '2024-05-06T07:08:09Z',
    manifestVersion: '5.0',
  })
  const manifestName = `${updateId.provider}-${updateId.name}-${updateId.version}.json`
  await writeFile(join(root, manifestName), manifest)
  return {
    importManifest: {
      url: `${origin}/${manifestName}`,
      sizeInBytes: Buffer.byteLength(manifest),
      hashes: { sha256: createHash('sha256').update(manifest).digest('base64') },
    },
    files: names.map((filename) => ({ filename, url: `${origin}/${filename}` })),
  }
}

/** Imports and waits for the end, which must be a good one. */
export async function importUpdate(client: ApiClient, input: ImportUpdateInput, pollMs = 10): Promise<void> {
  const { operationId } = await client.importUpdate([input])
  await ended(client, operationId, pollMs)
}

/** Waits at a pace of its own: the server's advice to ask once a second would be most of what is measured. */
export async function ended(client: ApiClient, operationId: string, pollMs = 10): Promise<void> {
  for (;;) {
    await sleep(pollMs)
    const { status, error } = await client.getOperation(operationId)
    if (status === 'Succeeded') return
    if (status === 'Failed') throw new Error(`The operation failed: ${JSON.stringify(error)}`)
  }
}
