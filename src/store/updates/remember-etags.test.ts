import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seedUpdates, simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import { openSqlite, SQLITE_DIALECT } from '../../adapters/sqlite/database-sqlite.ts'
import type { Database } from '../../ports/database.ts'
import { createInstances } from '../instances.ts'
import { migrate } from '../migrate.ts'
import { rememberEtags } from './remember-etags.ts'

const UPDATE_ID = { provider: 'Contoso', name: 'Toaster', version: '1.0' }
const CHANGE = "update updates set etag = 'changed'"

/** A catalogue with one update, which counts how often it is read. */
async function openCounted() {
  const database = openSqlite(':memory:')
  await migrate(database, SQLITE_DIALECT)
  await createInstances(database, ['default', 'other'])
  await seedUpdates(database, [{ manifest: simpleManifest() }])
  let reads = 0
  const counted: Database = {
    ...database,
    query(sql, params) {
      reads += 1
      return database.query(sql, params)
    },
  }
  return { database: counted, reads: () => reads, [Symbol.asyncDispose]: () => database.close() }
}

test('an ETag is read once, until something is written', async () => {
  await using opened = await openCounted()
  const findEtag = rememberEtags(opened.database)
  const etag = await findEtag('default', UPDATE_ID)
  assert.ok(etag)
  assert.equal(await findEtag('default', UPDATE_ID), etag)
  assert.equal(opened.reads(), 1)

  await opened.database.batch([{ sql: CHANGE }])
  assert.equal(await findEtag('default', UPDATE_ID), 'changed')
  await opened.database.batch([
    { sql: 'delete from update_terms' },
    { sql: 'delete from files' },
    { sql: 'delete from updates' },
  ])
  assert.equal(await findEtag('default', UPDATE_ID), undefined)
})

test('what is not there is asked for each time, and no identity is taken for another one', async () => {
  await using opened = await openCounted()
  const findEtag = rememberEtags(opened.database)
  assert.ok(await findEtag('default', UPDATE_ID))
  assert.equal(await findEtag('other', UPDATE_ID), undefined)
  assert.equal(await findEtag('default', { ...UPDATE_ID, name: 'Kettle' }), undefined)
  assert.equal(await findEtag('default', { provider: 'Contoso","Toaster', name: '1.0', version: '' }), undefined)
  const before = opened.reads()
  assert.equal(await findEtag('other', UPDATE_ID), undefined)
  assert.equal(opened.reads(), before + 1)
})

test('while something is written, and where others write, each ETag is asked for', async () => {
  await using opened = await openCounted()
  for (const revision of [() => undefined, undefined]) {
    const { revision: _, ...rest } = opened.database
    const findEtag = rememberEtags({ ...rest, ...(revision && { revision }) })
    const before = opened.reads()
    const etag = await findEtag('default', UPDATE_ID)
    assert.equal(await findEtag('default', UPDATE_ID), etag)
    assert.equal(opened.reads(), before + 2)
  }
})

test('what was on its way when something was written is not kept', async () => {
  await using opened = await openCounted()
  const { promise: written, resolve } = Promise.withResolvers<void>()
  let revision = 1
  const findEtag = rememberEtags({
    ...opened.database,
    revision: () => revision,
    async query(sql, params) {
      const rows = await opened.database.query(sql, params)
      await written
      return rows
    },
  })
  const early = findEtag('default', UPDATE_ID)
  await opened.database.query(CHANGE)
  revision = 2
  const late = findEtag('other', UPDATE_ID)
  resolve()
  assert.notEqual(await early, 'changed')
  await late
  assert.equal(await findEtag('default', UPDATE_ID), 'changed')
})
