import { openPostgres, POSTGRES_DIALECT } from '../../src/adapters/postgres/database-postgres.ts'
import { openSqlite, SQLITE_DIALECT } from '../../src/adapters/sqlite/database-sqlite.ts'
import type { Database } from '../../src/ports/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { type PostgresServer, serverAt, startPostgres } from './postgres.ts'

/** Names the database that tests run on which can run on each: `sqlite`, as long as nothing is set, or `postgres`. */
export const DATABASE_VARIABLE = 'TEST_DATABASE'
/** The port of a PostgreSQL that the test files of a run share. */
export const PORT_VARIABLE = 'TEST_POSTGRES_PORT'

/** An empty database with the schema, of its own. Closing it removes it. */
export async function openDatabase(): Promise<Database> {
  if (process.env[DATABASE_VARIABLE] === 'postgres') return openPostgresDatabase()
  const database = openSqlite(':memory:')
  await migrate(database, SQLITE_DIALECT)
  return database
}

/** The same, in PostgreSQL in any case. */
export async function openPostgresDatabase(): Promise<Database> {
  const server = await sharedPostgres()
  const name = await newPostgresDatabase()
  const database = openPostgres(server.url(name))
  return {
    ...database,
    async close() {
      await database.close()
      await server.dropDatabase(name)
    },
  }
}

export interface ServerDatabase {
  /** As `--database` takes it. */
  url: string
  remove(): Promise<void>
}

/** An empty database for a server where tests run on PostgreSQL; undefined where they run on SQLite. */
export async function newServerDatabase(): Promise<ServerDatabase | undefined> {
  if (process.env[DATABASE_VARIABLE] !== 'postgres') return undefined
  const server = await sharedPostgres()
  const name = await server.createDatabase()
  return { url: server.url(name), remove: () => server.dropDatabase(name) }
}

/** Makes a database with the schema in the shared server. Answers its name. */
export async function newPostgresDatabase(): Promise<string> {
  template ??= sharedPostgres().then(makeTemplate)
  return (await sharedPostgres()).createDatabase(await template)
}

let template: Promise<string> | undefined
let shared: Promise<PostgresServer> | undefined

/** The server that the run has, else one that ends with this process. */
export function sharedPostgres(): Promise<PostgresServer> {
  const port = process.env[PORT_VARIABLE]
  shared ??= port === undefined ? startPostgres() : Promise.resolve(serverAt(Number(port)))
  return shared
}

async function makeTemplate(server: PostgresServer): Promise<string> {
  const name = await server.createDatabase()
  const database = openPostgres(server.url(name))
  await migrate(database, POSTGRES_DIALECT)
  await database.close()
  return name
}
