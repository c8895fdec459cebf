import { readdirSync, readFileSync } from 'node:fs'
import type { Database } from '../ports/database.ts'

/** Words that differ between the databases and stand as `{{word}}` in the migrations. */
export interface MigrationDialect {
  text: string
  now_ms: string
}

const FOLDER = new URL('../../migrations/', import.meta.url)

/**
 * Brings the schema up to date: runs, in order, each migration that has not run yet, each in one batch with the note that it
 * ran. Throws if the database was written by a newer Aduana, since an older one would misread it.
 */
export async function migrate(database: Database, dialect: MigrationDialect): Promise<void> {
  await database.query(
    `create table if not exists migrations (number bigint primary key, name ${dialect.text} not null, ran_at bigint not null)`,
  )
  const migrations = readMigrations(dialect)
  const done = await schemaOf(database)
  if (done > migrations.length) {
    throw new Error(
      `This database was written by a newer Aduana (schema ${done}, this one knows ${migrations.length}). Install that version, or restore a backup.`,
    )
  }
  for (const { number, name, statements } of migrations.slice(done)) {
    await database.batch([
      ...statements.map((sql) => ({ sql })),
      {
        sql: 'insert into migrations (number, name, ran_at) values ($1, $2, (select now_ms from clock))',
        params: [number, name],
      },
    ])
  }
}

/** The number of the last migration that ran on a database. */
export async function schemaOf(database: Database): Promise<number> {
  const [last] = await database.query('select max(number) as number from migrations')
  return Number(last?.number ?? 0)
}

/** The number of the last migration that this program knows. */
export function schemaKnown(): number {
  return migrationNames().length
}

function migrationNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort()
}

function readMigrations(dialect: MigrationDialect): { number: number; name: string; statements: string[] }[] {
  return migrationNames().map((name, index) => {
    const number = Number.parseInt(name, 10)
    if (number !== index + 1) throw new Error(`Migration ${name} should be number ${index + 1}.`)
    const sql = readFileSync(new URL(name, FOLDER), 'utf8')
      .replace(/--.*$/gm, '')
      .replaceAll('{{text}}', dialect.text)
      .replaceAll('{{now_ms}}', dialect.now_ms)
    // No statement of ours has a semicolon inside.
    const statements = sql
      .split(';')
      .map((statement) => statement.trim())
      .filter((statement) => statement !== '')
    return { number, name, statements }
  })
}
