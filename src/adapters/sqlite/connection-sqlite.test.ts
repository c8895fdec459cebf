import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, openConnection, type Write } from './connection-sqlite.ts'

const SQLITE_FULL = 13
const SQLITE_CONSTRAINT_FOREIGNKEY = 787

const insert = (id: number, text = ''): Write => ({
  batch: [{ sql: 'insert into things (id, text) values ($1, $2)', params: [id, text] }],
})

function openWithThings() {
  const connection = openConnection(':memory:')
  connection.write([{ query: { sql: 'create table things (id integer primary key, text text)' } }])
  const ids = () => connection.read('select id from things order by id', []).map(({ id }) => id)
  return { connection, ids }
}

function errcodes(outcomes: Outcome[]): (number | undefined)[] {
  return outcomes.map((outcome) => ('fault' in outcome ? outcome.fault.errcode : undefined))
}

test('where the commit fails, no write of the group has happened, and none knows it otherwise', () => {
  const { connection, ids } = openWithThings()
  const sql = 'create table late (thing bigint references things (id) deferrable initially deferred)'
  connection.write([insert(1), { query: { sql } }])
  // The second failed only because of what is gone now.
  const outcomes = connection.write([
    insert(2),
    insert(2),
    { batch: [{ sql: 'insert into late values (99)' }] },
    insert(3),
  ])
  assert.deepEqual(errcodes(outcomes), Array(4).fill(SQLITE_CONSTRAINT_FOREIGNKEY))
  assert.ok(outcomes.every((outcome) => 'fault' in outcome && outcome.fault.statement === undefined))
  assert.deepEqual(ids(), [1])
  assert.deepEqual(connection.write([insert(2)]), [{ rows: [] }])
  connection.close()
})

test('a write that there is no room for is undone, and nobody is told of a success that is not there', () => {
  const { connection, ids } = openWithThings()
  const [size] = connection.read('pragma page_count', [])
  connection.write([{ query: { sql: `pragma max_page_count = ${Number(size?.page_count) + 2}` } }])
  const outcomes = connection.write([insert(1), insert(2, 'x'.repeat(100_000)), insert(3)])
  assert.equal(errcodes(outcomes)[1], SQLITE_FULL)
  const done = [1, 2, 3].filter((_, index) => 'rows' in (outcomes[index] ?? {}))
  assert.deepEqual(ids(), done)
  connection.write([{ query: { sql: 'pragma max_page_count = 1000' } }])
  assert.deepEqual(connection.write([insert(4, 'x'.repeat(100_000))]), [{ rows: [] }])
  connection.close()
})

test('what cannot be in a transaction stands between the writes before and after it', () => {
  const { connection, ids } = openWithThings()
  const outcomes = connection.write([
    insert(1),
    { query: { sql: 'pragma foreign_keys = off' } },
    { query: { sql: 'pragma foreign_keys' } },
    { query: { sql: 'vacuum' } },
    insert(2),
    insert(1),
  ])
  assert.deepEqual(
    outcomes.map((outcome) => 'rows' in outcome && outcome.rows.map((row) => ({ ...row }))),
    [[], [], [{ foreign_keys: 0 }], [], [], false],
  )
  assert.deepEqual(ids(), [1, 2])
  connection.close()
})
