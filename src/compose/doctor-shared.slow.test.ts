// What takes a while: a PostgreSQL whose files are damaged.
import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { noPostgres, startPostgres } from '../../tests/support/postgres.ts'
import { openPostgres, POSTGRES_DIALECT } from '../adapters/postgres/database-postgres.ts'
import { openPostgresUpkeep } from '../adapters/postgres/upkeep-postgres.ts'
import { createInstances } from '../store/instances.ts'
import { migrate } from '../store/migrate.ts'

const options = { skip: noPostgres }

test('damaged indexes and tables of PostgreSQL are named, with what to do', options, async () => {
  await using server = await startPostgres()
  const name = await server.createDatabase()
  const url = server.url(name)
  let database = openPostgres(url)
  await migrate(database, POSTGRES_DIALECT)
  await createInstances(
    database,
    Array.from({ length: 500 }, (_, index) => `instance-${index}`),
  )
  await database.query('create extension amcheck')
  await database.query('checkpoint')
  const look = (isDeep: boolean) => openPostgresUpkeep(database).look({ damagesMax: 10, isDeep })
  assert.deepEqual((await look(true)).damages, [])

  async function damage(relation: string): Promise<void> {
    const [row] = await database.query('select pg_relation_filepath($1::regclass) as path', [relation])
    await database.close()
    await server.stop()
    const file = await open(join(server.folder, 'data', String(row?.path)), 'r+')
    // Behind the headers of the second page.
    await file.write(Buffer.alloc(4000, 0xa5), 0, 4000, 8192 + 2000)
    await file.close()
    await server.start()
    database = openPostgres(url)
  }

  await damage('instances_pkey')
  const { damages } = await look(false)
  assert.equal(damages.length, 1)
  assert.match(damages[0] ?? '', /^The index instances_pkey is damaged: .+\.$/)
  assert.match(openPostgresUpkeep(database).remedy, /reindex index/)
  await database.query('reindex index instances_pkey')
  assert.deepEqual((await look(true)).damages, [])

  await damage('instances')
  await assert.rejects(look(true), /The database is damaged/)
  await database.close()
})
