import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { databaseContract } from '../../../tests/contracts/database.contract.ts'
import { migrate } from '../../store/migrate.ts'
import { openSqlite, SQLITE_DIALECT } from './database-sqlite.ts'

databaseContract('sqlite', async () => {
  const database = openSqlite(':memory:')
  await migrate(database, SQLITE_DIALECT)
  return database
})

test('a database of a newer Aduana is refused with a sentence', async () => {
  const database = openSqlite(':memory:')
  await migrate(database, SQLITE_DIALECT)
  await database.query("insert into migrations (number, name, ran_at) values (999, '0999-future.sql', 0)")
  await assert.rejects(migrate(database, SQLITE_DIALECT), /written by a newer Aduana \(schema 999/)
  await database.close()
})

test('rows survive closing and opening, and migrating twice changes nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-sqlite-'))
  const first = openSqlite(join(folder, 'a.db'))
  await migrate(first, SQLITE_DIALECT)
  await first.query("insert into instances (instance, created_at) values ('blue', 1)")
  await first.close()
  const second = openSqlite(join(folder, 'a.db'))
  await migrate(second, SQLITE_DIALECT)
  assert.equal((await second.query('select * from instances')).length, 1)
  await second.close()
  await rm(folder, { recursive: true })
})
