import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseStoreAddress, storeTitle } from '../../src/adapters/object-store/store-address.ts'
import { openPostgres } from '../../src/adapters/postgres/database-postgres.ts'
import { openStore } from '../../src/compose/store.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { Database } from '../../src/ports/database.ts'
import { recogniseStore } from '../../src/services/blobs/recognise-store.ts'
import { reportNode } from '../../src/store/nodes/nodes.ts'
import { newPostgresDatabase, sharedPostgres } from './open-database.ts'
import { type Payload, stockCatalogue } from './stock-catalogue.ts'

/** What nodes share, without nodes. */
export interface SharedPlace extends AsyncDisposable {
  databaseUrl: string
  database: Database
  /** Its address. */
  store: string
  blobs: BlobStore
  /** The only payload of the only update, Contoso/Toaster/1.0. */
  payload: Payload
  /** Empty, for what the test wants to put there. */
  folder: string
  /** Says that a node has been seen just now. */
  seeNode(node: string, what?: { isApi?: boolean; isWorker?: boolean; version?: string }): Promise<void>
}

/** Makes what nodes leave that took in one update and were stopped: in a PostgreSQL, and in a folder unless there is another store. */
export async function makeSharedPlace({ store }: { store?: string } = {}): Promise<SharedPlace> {
  const postgres = await sharedPostgres()
  const name = await newPostgresDatabase()
  const database = openPostgres(postgres.url(name))
  const folder = await mkdtemp(join(tmpdir(), 'aduana-shared-'))
  const address = store ?? join(folder, 'blobs')
  const blobs = await openStore(parseStoreAddress(address), {})
  const payload = await stockCatalogue({ database, blobs })
  await recogniseStore({ database, blobs }, { title: storeTitle(parseStoreAddress(address)), mayMark: true })
  return {
    databaseUrl: postgres.url(name),
    database,
    store: address,
    blobs,
    payload,
    folder,
    seeNode: (node, { isApi = true, isWorker = true, version = '1.0.0' } = {}) =>
      reportNode(database, { node, isApi, isWorker, version }),
    async [Symbol.asyncDispose]() {
      await database.close()
      await postgres.dropDatabase(name)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
