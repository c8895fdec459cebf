import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAuditJsonLines } from '../../src/adapters/filesystem/audit-json-lines.ts'
import { openFilesystemBlobs } from '../../src/adapters/filesystem/blobs-filesystem.ts'
import { openSqlite, SQLITE_DIALECT } from '../../src/adapters/sqlite/database-sqlite.ts'
import { loadTls } from '../../src/adapters/tls/tls-files.ts'
import { openLocalIssuer } from '../../src/adapters/tokens/local-issuer.ts'
import type { BlobName } from '../../src/domain/blob.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { Database } from '../../src/ports/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { type Payload, putBlob, stockCatalogue } from './stock-catalogue.ts'

export interface DataFolder extends AsyncDisposable {
  path: string
  /** The only payload of the only update, Contoso/Toaster/1.0. */
  payload: Payload & { path: string }
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
    store: async (bytes, sha256) => putBlob(await openBlobs(), bytes, sha256),
    partials: () => readdir(join(path, 'blobs', 'partial')),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }

  const payload = await folder.withDatabase(async (database) => {
    await migrate(database, SQLITE_DIALECT)
    return await stockCatalogue({ database, blobs: await openBlobs() })
  })
  await chmod(databasePath, 0o640)
  await openLocalIssuer({ folder: path })
  await loadTls({ folder: path, machineName: 'workbench' })
  await (await openAuditJsonLines(join(path, 'audit.jsonl'))).close()
  return { ...folder, payload: { ...payload, path: folder.pathOf(payload.name) } }
}
