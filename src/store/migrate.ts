import { readdirSync, readFileSync } from 'node:fs'
import { BatchConflict, type Database } from '../ports/database.ts'

/** Words that differ between the databases and stand as `{{word}}` in the migrations. */
export interface MigrationDialect {
  text: string
  now_ms: string
}

const FOLDER = new URL('../../migrations/', import.meta.url)

/**
 * Brings the schema up to date: runs, in order, each migration that has not run yet, each in one batch with the note that it
 * ran. Nodes may do so at the same time: one of them runs it, the others wait. Throws if the database was written by a newer Aduana, since
 * an older one would misread it.
 */
export async function migrate(database: Database, dialect: MigrationDialect): Promise<void> {
  await createNotes(database, dialect)
  const migrations = readMigrations(dialect)
  const done = await schemaOf(database)
  if (done > migrations.length) {
    throw new Error(
      `This database was written by a newer Aduana (schema ${done}, this one knows ${migrations.length}). Install that version, or restore a backup.`,
    )
  }
  for (const migration of migrations.slice(done)) await runOnce(database, migration)
}

async function createNotes(database: Database, { text }: MigrationDialect): Promise<void> {
  const sql = `create table if not exists migrations (number bigint primary key, name ${text} not null, ran_at bigint not null)`
  // Of those that do this at the same time, PostgreSQL lets one through. The second time the others find the table.
  await database.query(sql).catch(() => database.query(sql))
}

async function runOnce(database: Database, { number, name, statements }: Migration): Promise<void> {
  try {
    await database.batch([
      // First, so that whoever else runs it now waits for what becomes of this. There may be no clock yet.
      { sql: 'insert into migrations (number, name, ran_at) values ($1, $2, 0)', params: [number, name] },
      ...statements.map((sql) => ({ sql })),
      { sql: 'update migrations set ran_at = (select now_ms from clock) where number = $1', params: [number] },
    ])
  } catch (error) {
    const isDoneByAnother = error instanceof BatchConflict && error.reason === 'unique' && error.statement === 0
    if (!isDoneByAnother) throw error
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

interface Migration {
  number: number
  name: string
  statements: string[]
}

function readMigrations(dialect: MigrationDialect): Migration[] {
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
