import { checkPostgres } from '../adapters/postgres/check-postgres.ts'
import { openPostgres, POSTGRES_DIALECT } from '../adapters/postgres/database-postgres.ts'
import { migrate } from '../store/migrate.ts'

/** An index over a large table takes longer than any request may. */
const STATEMENT_MS = 600_000

/** Brings the schema of a PostgreSQL up to date. Throws an `Error` with a sentence, changing nothing, if it is not one for Aduana. */
export async function preparePostgres(url: string): Promise<void> {
  await checkPostgres(url)
  const database = openPostgres(url, { connectionsMax: 1, statementMs: STATEMENT_MS })
  try {
    await migrate(database, POSTGRES_DIALECT)
  } finally {
    await database.close()
  }
}
