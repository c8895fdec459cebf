import { openPostgres } from './database-postgres.ts'

/** 14: https://www.postgresql.org/support/versioning/ */
const VERSION_MIN = 140000

/**
 * Throws an `Error` that says what to do unless the database at this address is empty, or at first sight one of Aduana, on a server that
 * is fit for it. For before anything in it is changed. Throws `AppError('DatabaseFailed')` where it cannot be reached.
 */
export async function checkPostgres(url: string): Promise<void> {
  const database = openPostgres(url, { connectionsMax: 1 })
  try {
    const [row] = await database.query(
      `select current_setting('server_version') as version, cast(current_setting('server_version_num') as integer) as number,
              current_setting('server_encoding') as encoding, current_schema() as schema,
              (select count(*) from information_schema.tables where table_schema = current_schema()) as tables,
              (select count(*) from information_schema.columns where table_schema = current_schema()
                  and table_name = 'migrations' and column_name = 'ran_at') as ours`,
    )
    const { version, number, encoding, schema, tables, ours } = row ?? {}
    const title = `The database ${database.title}`
    if (Number(number) < VERSION_MIN)
      throw new Error(`${title} is PostgreSQL ${version}. Aduana needs version 14 or newer.`)
    if (encoding !== 'UTF8') {
      throw new Error(`${title} has the encoding ${encoding}. Make one for Aduana: create database … encoding 'UTF8'.`)
    }
    if (schema === null)
      throw new Error(`${title} has no schema to make tables in. Make the one that search_path names.`)
    if (Number(tables) > 0 && Number(ours) === 0) {
      throw new Error(
        `${title} has tables in its schema ${schema}, but none of Aduana. Name another database, or another schema with ?options=-csearch_path%3DNAME.`,
      )
    }
  } finally {
    await database.close()
  }
}
