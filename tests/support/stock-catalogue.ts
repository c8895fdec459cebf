import { createHash, randomUUID } from 'node:crypto'
import { type BlobName, newBlobName } from '../../src/domain/blob.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { Database } from '../../src/ports/database.ts'
import { recordBlob } from '../../src/store/blobs/blobs.ts'
import { createInstances } from '../../src/store/instances.ts'
import { seedUpdates, simpleManifest } from './seed-catalogue.ts'

/** The only file of an update. */
export interface Payload {
  bytes: Buffer
  sha256: string
  name: BlobName
}

/** Fills an empty catalogue and its store with one update, Contoso/Toaster/1.0 in instance default, and answers its payload. */
export async function stockCatalogue({ database, blobs }: { database: Database; blobs: BlobStore }): Promise<Payload> {
  const operationId = randomUUID()
  const bytes = Buffer.alloc(100_000, 'payload')
  const keep = async (content: Buffer) => {
    const [sha256, name] = [sha256Of(content), await putBlob(blobs, content)]
    await recordBlob(database, { sha256, name, sizeInBytes: content.length })
    return { sha256, name }
  }
  await createInstances(database, ['default'])
  const kept = await keep(bytes)
  // Where the seed looks for the bytes of its import manifest.
  await keep(Buffer.from(operationId))
  const hashes = { sha256: Buffer.from(kept.sha256, 'hex').toString('base64') }
  const [file] = simpleManifest().files
  if (file === undefined) throw new Error('The simple manifest has lost its file.')
  const manifest = { ...simpleManifest(), files: [{ ...file, sizeInBytes: bytes.length, hashes }] }
  await seedUpdates(database, [{ manifest }], { operationId })
  return { bytes, ...kept }
}

/** Puts bytes into the store under a name that nothing in the catalogue names. */
export async function putBlob(blobs: BlobStore, bytes: Uint8Array, sha256 = sha256Of(bytes)): Promise<BlobName> {
  const name = newBlobName(sha256)
  await using writer = await blobs.create({ name, sizeInBytes: bytes.length })
  await writer.write(bytes)
  await writer.commit()
  return name
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
