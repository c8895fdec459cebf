import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseContract } from '../../../tests/contracts/database.contract.ts'
import { newPostgresDatabase, openPostgresDatabase, sharedPostgres } from '../../../tests/support/open-database.ts'
import { noPostgres } from '../../../tests/support/postgres.ts'
import { migrate, schemaKnown, schemaOf } from '../../store/migrate.ts'
import { openPostgres, POSTGRES_DIALECT } from './database-postgres.ts'

const options = { skip: noPostgres }

if (noPostgres === false) databaseContract('postgres', POSTGRES_DIALECT, openPostgresDatabase)
else test('postgres', options)

test('nodes that start at the same time bring the schema up to date once', options, async () => {
  const server = await sharedPostgres()
  const url = server.url(await server.createDatabase())
  const nodes = Array.from({ length: 6 }, () => openPostgres(url))
  await Promise.all(nodes.map((node) => migrate(node, POSTGRES_DIALECT)))
  for (const node of nodes) {
    assert.equal(await schemaOf(node), schemaKnown())
    await node.close()
  }
})

test('a database of a newer Aduana is refused with a sentence', options, async () => {
  const database = await openPostgresDatabase()
  await database.query("insert into migrations (number, name, ran_at) values (999, '0999-future.sql', 0)")
  await assert.rejects(migrate(database, POSTGRES_DIALECT), /written by a newer Aduana \(schema 999/)
  await database.close()
})

test('a table that another node changes is read on', options, async () => {
  const database = await openPostgresDatabase()
  await database.batch([{ sql: 'insert into instances (instance, created_at) values ($1, $2)', params: ['blue', 1] }])
  const read = () => database.query('select * from instances where instance = $1', ['blue'])
  for (let reads = 0; reads < 20; reads += 1) await Promise.all([read(), read(), read()])
  await database.query('alter table instances add column extra bigint not null default 7')
  for (const [row] of await Promise.all([read(), read(), read()])) assert.equal(row?.extra, 7)
  await database.close()
})

test('a mistake in a statement is told as it is, and spoils nothing', options, async () => {
  const database = await openPostgresDatabase()
  for (let times = 0; times < 30; times += 1) {
    await assert.rejects(database.query('select * from nowhere where id = $1', [1]), /"nowhere" does not exist/)
    await assert.rejects(
      database.batch([
        { sql: 'insert into instances (instance, created_at) values ($1, $2)', params: ['red', 1] },
        { sql: 'insert into instances (instance, created_at) values ($1, $2)', params: ['x', 'no number'] },
      ]),
      /invalid input syntax for type bigint/,
    )
  }
  assert.deepEqual(await database.query('select instance from instances'), [])
  await database.close()
})

test('more statements than a connection keeps prepared are no trouble', options, async () => {
  const database = await openPostgresDatabase()
  for (let number = 0; number < 700; number += 1) {
    const [row] = await database.query(`select cast($1 as bigint) + ${number} as sum`, [1])
    assert.equal(row?.sum, number + 1)
  }
  await database.close()
})

test('what was called before closing is done; closing twice is the same', options, async () => {
  const name = await newPostgresDatabase()
  const server = await sharedPostgres()
  const database = openPostgres(server.url(name), { connectionsMax: 3 })
  const writes = Promise.all(
    Array.from({ length: 50 }, (_, id) =>
      database.batch([{ sql: 'insert into instances (instance, created_at) values ($1, $2)', params: [`i${id}`, id] }]),
    ),
  )
  await Promise.all([database.close(), database.close()])
  await writes
  await assert.rejects(database.query('select 1'), /closed/)
  await database.close()
  const [row] = await server.ask('select count(*)::int as count from instances', name)
  assert.equal(row?.count, 50)
})

test('it says where it listens, and its address without the password', options, async () => {
  const database = openPostgres('postgres://joe:secret@db.example:1234/updates')
  assert.deepEqual(database.endpoints, [{ host: 'db.example', port: 1234 }])
  assert.equal(database.title, 'postgres://joe@db.example:1234/updates')
  await database.close()
})
