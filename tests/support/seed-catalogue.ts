import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { hexOfBase64, newBlobName } from '../../src/domain/blob.ts'
import { newContentId } from '../../src/domain/distribution.ts'
import type { ImportManifest } from '../../src/domain/import-manifest.ts'
import { RawJson } from '../../src/domain/json-text.ts'
import { readImportManifest } from '../../src/domain/read-import-manifest.ts'
import { formatUpdateId, sameUpdate, type UpdateId } from '../../src/domain/update-id.ts'
import type { Database } from '../../src/ports/database.ts'
import { recordBlob } from '../../src/store/blobs/blobs.ts'
import { claimOperation, guardAttempt } from '../../src/store/operations/attempts.ts'
import { noteItems } from '../../src/store/operations/operation-items.ts'
import { recordOperation } from '../../src/store/operations/record-operation.ts'
import { type NewContent, type NewUpdate, newUpdateId, publishUpdates } from '../../src/store/updates/publish.ts'
import { findUpdate } from '../../src/store/updates/updates.ts'
import { bytesOf, type Json, SHA256 } from './import-manifests.ts'

export interface Seed {
  manifest: ImportManifest
  friendlyName?: string
}

export interface SeedOptions {
  instance?: string
  /** The operation that publishes them all, and the trace that it belongs to. */
  operationId?: string
  traceId?: string
}

const LEASE_MS = 3_600_000

/**
 * Publishes updates as one import would, but without fetching anything: the files are in the catalogue, not in the store. A thousand
 * at a time is a good measure for a large catalogue. References lead to updates of the same call or to earlier ones. The
 * operation shows the first.
 */
export async function seedUpdates(
  database: Database,
  seeds: readonly Seed[],
  { instance = 'default', operationId = randomUUID(), traceId = '0'.repeat(32) }: SeedOptions = {},
): Promise<void> {
  const ids = seeds.map(() => newUpdateId())
  const manifestSha256 = createHash('sha256').update(operationId).digest('hex')
  const recorded = new Set<string>()
  async function record(sha256: string, sizeInBytes: number): Promise<void> {
    if (recorded.has(sha256)) return
    recorded.add(sha256)
    await recordBlob(database, { sha256, name: newBlobName(sha256), sizeInBytes })
  }

  async function idOf(updateId: UpdateId): Promise<string> {
    const index = seeds.findIndex(({ manifest }) => sameUpdate(manifest.updateId, updateId))
    const id = ids[index] ?? (await findUpdate(database, instance, updateId))?.id
    assert.ok(id, `${formatUpdateId(updateId)} is referenced, but not there`)
    return id
  }

  await record(manifestSha256, 1)
  const updates: NewUpdate[] = []
  const childIds = new Map<string, string[]>()
  for (const [index, { manifest, friendlyName }] of seeds.entries()) {
    const contents = new Map<string, NewContent>()
    for (const { fileName, sizeInBytes, hashes } of manifest.files.flatMap((file) => [file, ...file.relatedFiles])) {
      const sha256 = hexOfBase64(hashes.sha256 ?? '')
      await record(sha256, sizeInBytes)
      contents.set(fileName, {
        contentId: newContentId(),
        sha256,
        scanResult: 'NotScanned',
        scanDetails: 'No malware scanner is configured.',
      })
    }
    const id = ids[index] ?? ''
    updates.push({ id, manifest, manifestSha256, ...(friendlyName !== undefined && { friendlyName }), contents })
    childIds.set(id, await Promise.all(manifest.references.map(({ updateId }) => idOf(updateId))))
  }

  await recordOperation(database, {
    operationId,
    instance,
    request: { kind: 'import', inputs: [] },
    requestedBy: 'seed',
    traceId,
  })
  // Past whatever else waits for a worker.
  await database.query('update operations set due_at = 0 where id = $1', [operationId])
  const attempt = await claimOperation(database, LEASE_MS)
  assert.equal(attempt?.operationId, operationId)
  const items = seeds.map(({ manifest: { updateId, description }, friendlyName }) => ({
    updateId,
    ...(description !== undefined && { description }),
    ...(friendlyName !== undefined && { friendlyName }),
  }))
  await database.batch([guardAttempt(attempt), ...noteItems(attempt, items, 0)])
  assert.equal(await publishUpdates(database, { attempt, instance, updates, childIds }), undefined)
}

/** An import manifest as the server reads it. */
export function manifestOf(json: Json): ImportManifest {
  const { manifest, errors } = readImportManifest(bytesOf(json))
  assert.ok(manifest, errors.map(({ message }) => message).join('\n'))
  return manifest
}

const COMPATIBILITY = new RawJson('[{"deviceManufacturer":"Contoso","deviceModel":"Toaster"}]')

/** A small import manifest 5.0 with one file, made without parsing: for catalogues of many updates. */
export function simpleManifest({
  provider = 'Contoso',
  name = 'Toaster',
  version = '1.0',
  isDeployable = true,
}: Partial<UpdateId> & { isDeployable?: boolean } = {}): ImportManifest {
  return {
    manifestVersion: '5.0',
    updateId: { provider, name, version },
    isDeployable,
    compatibility: COMPATIBILITY,
    steps: [{ type: 'inline', handler: 'microsoft/script:1', files: ['install.sh'] }],
    references: [],
    files: [
      { fileName: 'install.sh', sizeInBytes: 7, hashes: { sha256: SHA256 }, pointer: '/files/0', relatedFiles: [] },
    ],
    createdDateTime: '2024-05-06T07:08:09Z',
  }
}
