import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAuditJsonLines } from '../../src/adapters/filesystem/audit-json-lines.ts'
import { openFilesystemBlobs } from '../../src/adapters/filesystem/blobs-filesystem.ts'
import { openSqlite, SQLITE_DIALECT } from '../../src/adapters/sqlite/database-sqlite.ts'
import { loadTls } from '../../src/adapters/tls/tls-files.ts'
import { openLocalIssuer } from '../../src/adapters/tokens/local-issuer.ts'
import { type BlobName, newBlobName } from '../../src/domain/blob.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { Database } from '../../src/ports/database.ts'
import { recordBlob } from '../../src/store/blobs.ts'
import { createInstances } from '../../src/store/instances.ts'
import { migrate } from '../../src/store/migrate.ts'
import { seedUpdates, simpleManifest } from './seed-catalogue.ts'

export interface DataFolder extends AsyncDisposable {
  path: string
  /** The only payload of the only update, Contoso/Toaster/1.0. */
  payload: { bytes: Buffer; sha256: string; name: BlobName; path: string }
  /** Where a copy lies. */
  pathOf(name: BlobName): string
  /** Opens the database for as long as it takes. */
  withDatabase<T>(use: (database: Database) => Promise<T>): Promise<T>
  blobs(): Promise<BlobStore>
  /** Puts bytes into the store under a name that nothing in the catalogue names. */
  store(bytes: Uint8Array, sha256?: string): Promise<BlobName>
  partials(): Promise<string[]>
}

/** Makes a data folder as a server leaves it that took in one update and was stopped. */
export async function makeDataFolder(): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), 'aduana-data-'))
  const databasePath = join(path, 'aduana.db')
  const openBlobs = () => openFilesystemBlobs({ folder: join(path, 'blobs') })

  const folder: Omit<DataFolder, 'payload'> = {
    path,
    pathOf: (name) => join(path, 'blobs', 'v1', name.slice(0, 2), name),
    async withDatabase(use) {
      const database = openSqlite(databasePath)
      try {
        return await use(database)
      } finally {
        await database.close()
      }
    },
    blobs: openBlobs,
    async store(bytes, sha256 = sha256Of(bytes)) {
      const blobs = await openBlobs()
      const name = newBlobName(sha256)
      await using writer = await blobs.create({ name, sizeInBytes: bytes.length })
      await writer.write(bytes)
      await writer.commit()
      return name
    },
    partials: () => readdir(join(path, 'blobs', 'partial')),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }

  const operationId = randomUUID()
  const bytes = Buffer.alloc(100_000, 'payload')
  const keep = async (database: Database, content: Buffer) => {
    const [sha256, name] = [sha256Of(content), await folder.store(content)]
    await recordBlob(database, { sha256, name, sizeInBytes: content.length })
    return { sha256, name }
  }
  const { sha256, name } = await folder.withDatabase(async (database) => {
    await migrate(database, SQLITE_DIALECT)
    await createInstances(database, ['default'])
    const kept = await keep(database, bytes)
    // Where the seed looks for the bytes of its import manifest.
    await keep(database, Buffer.from(operationId))
    const hashes = { sha256: Buffer.from(kept.sha256, 'hex').toString('base64') }
    const [file] = simpleManifest().files
    if (file === undefined) throw new Error('The simple manifest has lost its file.')
    const manifest = { ...simpleManifest(), files: [{ ...file, sizeInBytes: bytes.length, hashes }] }
    await seedUpdates(database, [{ manifest }], { operationId })
    return kept
  })
  await chmod(databasePath, 0o640)
  await openLocalIssuer({ folder: path })
  await loadTls({ folder: path, machineName: 'workbench' })
  await (await openAuditJsonLines(join(path, 'audit.jsonl'))).close()
  return { ...folder, payload: { bytes, sha256, name, path: folder.pathOf(name) } }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
