import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newPostgresDatabase, sharedPostgres } from '../../tests/support/open-database.ts'
import { seedEveryState } from '../../tests/support/seed-every-state.ts'
import { startPipeline } from '../../tests/support/start-pipeline.ts'
import { openFilesystemBlobs } from '../adapters/filesystem/blobs-filesystem.ts'
import { openPostgres } from '../adapters/postgres/database-postgres.ts'
import { openSqlite, SQLITE_DIALECT } from '../adapters/sqlite/database-sqlite.ts'
import type { Database } from '../ports/database.ts'
import { moveStore } from '../services/backup/move-store.ts'
import { runDeletion } from '../services/deleting/run-deletion.ts'
import { beginCopy, endCopy, TABLES, TABLES_LEFT } from '../store/copy-catalogue.ts'
import { createInstances } from '../store/instances.ts'
import { migrate } from '../store/migrate.ts'
import { moveDatabase } from './move.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-move-'))
})
after(() => rm(folder, { recursive: true, force: true }))

/** A data folder with something in every state, and what is in its tables. */
async function makeData(name: string): Promise<string> {
  const data = join(folder, name)
  await openFilesystemBlobs({ folder: join(data, 'blobs') })
  const database = openSqlite(join(data, 'aduana.db'))
  await migrate(database, SQLITE_DIALECT)
  await createInstances(database, ['default', 'many'])
  await seedEveryState(database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
  await database.close()
  return data
}

/** Rows as texts, in an order that both databases agree on. */
async function contentOf(database: Database, table: string): Promise<string[]> {
  const rows = await database.query(`select * from ${table}`)
  return rows
    .map((row) => JSON.stringify(Object.entries(row).map(([name, value]) => [name, Number(value) || String(value)])))
    .sort()
}

test('every table of the schema is copied, or left for a reason', async () => {
  const database = openSqlite(':memory:')
  await migrate(database, SQLITE_DIALECT)
  const tables = await database.query("select name from sqlite_master where type = 'table' order by name")
  assert.deepEqual(
    [...TABLES.map(({ table }) => table), ...TABLES_LEFT].sort(),
    tables.map(({ name }) => String(name)),
  )
  await database.close()
})

test('a catalogue that moves to PostgreSQL is the same there, row by row', async () => {
  const data = await makeData('whole')
  const url = (await sharedPostgres()).url(await newPostgresDatabase())
  const { rows } = await moveDatabase({ data, database: url })
  const [from, to] = [openSqlite(join(data, 'aduana.db'), { readOnly: true }), openPostgres(url)]
  let counted = 0
  for (const { table } of TABLES) {
    const content = await contentOf(from, table)
    assert.deepEqual(await contentOf(to, table), content, table)
    counted += content.length
  }
  assert.equal(rows, counted)
  assert.ok(rows > 100)
  await assert.rejects(moveDatabase({ data, database: url }), /has instances already/)
  await from.close()
  await to.close()
})

test('a move that broke off is done again, and no server begins with half of it', async () => {
  const data = await makeData('half')
  const url = (await sharedPostgres()).url(await newPostgresDatabase())
  const to = openPostgres(url)
  await assert.rejects(
    moveDatabase({
      data,
      database: url,
      onPage(table) {
        if (table === 'files') throw new Error('The machine stops.')
      },
    }),
    /The machine stops/,
  )
  assert.equal(await beginCopy(to), true)
  await moveDatabase({ data, database: url })
  const from = openSqlite(join(data, 'aduana.db'), { readOnly: true })
  for (const { table } of TABLES) assert.deepEqual(await contentOf(to, table), await contentOf(from, table), table)
  await from.close()
  await endCopy(to)
  await to.close()
})

test('a store is copied beside imports and deletions, and what came in meanwhile as well', async () => {
  await using pipeline = await startPipeline()
  await pipeline.import({ files: [{ name: 'a.bin', bytes: Buffer.from('first') }] })
  const to = await openFilesystemBlobs({ folder: join(folder, 'new-store') })
  const before = await moveStore(pipeline.database, { from: pipeline.blobs, to, verify: false })
  assert.equal(before.copiedBlobs, 2, 'the file and its manifest')
  await pipeline.import({ files: [{ name: 'b.bin', bytes: Buffer.from('second') }] })
  assert.equal((await moveStore(pipeline.database, { from: pipeline.blobs, to, verify: true })).copiedBlobs, 2)
  assert.equal((await moveStore(pipeline.database, { from: pipeline.blobs, to, verify: false })).copiedBlobs, 0)
  for await (const { name, sizeInBytes } of pipeline.blobs.list()) assert.equal(await to.size(name), sizeInBytes)

  const lost = await pipeline.import({ files: [{ name: 'c.bin', bytes: Buffer.from('third') }] })
  const names = await Array.fromAsync(pipeline.blobs.list(), ({ name }) => name)
  for (const name of names) if ((await to.size(name)) === undefined) await pipeline.blobs.delete(name)
  await assert.rejects(
    moveStore(pipeline.database, { from: pipeline.blobs, to, verify: false }),
    new RegExp(`it is missing; .*${lost.updateId.provider}`),
  )
  await pipeline.record({ kind: 'delete', updateId: lost.updateId })
  await runDeletion(await pipeline.claim(), lost.updateId, pipeline.database)
  const { copiedBlobs } = await moveStore(pipeline.database, { from: pipeline.blobs, to, verify: false })
  assert.equal(copiedBlobs, 0, 'nobody needs what is missing')
})
