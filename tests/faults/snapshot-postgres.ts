import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { openSqlite, SQLITE_DIALECT } from '../../src/adapters/sqlite/database-sqlite.ts'
import { migrate } from '../../src/store/migrate.ts'

/**
 * Copies all tables of a PostgreSQL, as they are at one moment, into a new SQLite file with the same schema: what checks the one then
 * checks the other. Throws if the two do not have the same tables and columns.
 */
export async function snapshotPostgres({ url, path }: { url: string; path: string }): Promise<void> {
  const schema = openSqlite(path)
  await migrate(schema, SQLITE_DIALECT)
  await schema.close()

  // References are checked by whoever reads the copy.
  const copy = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    copy.exec('begin')
    const tables = copy
      .prepare("select name from sqlite_schema where type = 'table' order by name")
      .all()
      .map(({ name }) => String(name))
    const { rows } = await client.query(
      `select tablename from pg_tables where schemaname = 'public' order by tablename`,
    )
    const there = rows.map(({ tablename }) => tablename)
    if (there.join() !== tables.join()) throw new Error(`The tables are ${there}, those of SQLite are ${tables}.`)
    for (const table of tables) {
      copy.exec(`delete from ${table}`)
      const result = await client.query<unknown[]>({ text: `select * from ${table}`, rowMode: 'array' })
      const columns = result.fields.map(({ name }) => name)
      const insert = copy.prepare(
        `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
      )
      for (const row of result.rows) insert.run(...row.map(bound))
    }
    copy.exec('commit')
  } finally {
    copy.close()
    await client.end()
  }
}

/** Large integers come as texts, and become numbers again in columns of that type. */
function bound(value: unknown): string | number | null {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  throw new TypeError(`A column has a value of type ${typeof value}, which no other has.`)
}
