import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgres } from '../../src/adapters/postgres/database-postgres.ts'
import type { Database } from '../../src/ports/database.ts'
import { newContainer } from './new-container.ts'
import { sharedPostgres } from './open-database.ts'
import type { PostgresServer } from './postgres.ts'
import { type Aduana, type AduanaOptions, startAduana } from './start-aduana.ts'

/** Real processes that share a database and a store. */
export interface Nodes extends AsyncDisposable {
  /** Starts one more, on a data folder of its own. */
  start(flags?: string[], options?: Omit<AduanaOptions, 'flags'>): Promise<Aduana>
  databaseUrl: string
  /** For what the tests want to see for themselves. */
  database: Database
  /** Of the nodes, unless they are given another one. */
  store: string
}

/** Makes a place for nodes: an empty database in PostgreSQL, and a folder unless there is another store. */
export async function openNodes({
  store,
  postgres: given,
}: {
  store?: string
  postgres?: PostgresServer
} = {}): Promise<Nodes> {
  const postgres = given ?? (await sharedPostgres())
  const name = await postgres.createDatabase()
  const databaseUrl = postgres.url(name)
  const database = openPostgres(databaseUrl)
  const folder = await mkdtemp(join(tmpdir(), 'aduana-nodes-'))
  const container = store === undefined ? newContainer() : undefined
  const address = store ?? container?.address ?? join(folder, 'blobs')
  const started: Aduana[] = []
  return {
    databaseUrl,
    database,
    store: address,
    async start(flags = [], options = {}) {
      const usual = ['--allow-source', '127.0.0.0/8', '--database', databaseUrl, '--store', address]
      const node = await startAduana({ flags: [...usual, ...flags], ...options })
      started.push(node)
      return node
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((node) => node[Symbol.asyncDispose]()))
      await database.close()
      await postgres.dropDatabase(name)
      await container?.remove()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
