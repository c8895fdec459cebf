import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchConflict, type Database } from '../../src/ports/database.ts'

/** What every database has to do. `open` gives an empty one with the schema. */
export function databaseContract(name: string, open: () => Promise<Database>): void {
  async function withTable(): Promise<Database> {
    const database = await open()
    await database.query('create table things (id bigint primary key, title text, size bigint, is_good boolean)')
    await database.query('create table parts (thing bigint not null references things (id), name text)')
    return database
  }
  const insert = (id: number, title: string | null = null) => ({
    sql: 'insert into things (id, title, size, is_good) values ($1, $2, $3, $4)',
    params: [id, title, 0, true],
  })
  const conflict = (reason: string, statement: number) => (error: unknown) =>
    error instanceof BatchConflict && error.reason === reason && error.statement === statement

  test(`${name}: a batch happens whole`, async () => {
    const database = await withTable()
    await database.batch([insert(1, 'one'), insert(2, 'two')])
    const rows = await database.query('select id, title from things order by id')
    assert.deepEqual(
      rows.map((row) => [row.id, row.title]),
      [
        [1, 'one'],
        [2, 'two'],
      ],
    )
    await database.close()
  })

  test(`${name}: a batch whose guard fails leaves nothing behind and names the statement`, async () => {
    const database = await withTable()
    const guard = {
      sql: 'update things set title = $1 where id = $2',
      params: ['x', 99],
      mustChangeRows: true as const,
    }
    await assert.rejects(database.batch([insert(1), guard, insert(2)]), conflict('guard', 1))
    assert.deepEqual(await database.query('select id from things'), [])
    await database.close()
  })

  test(`${name}: a repeated key and a broken reference are told apart`, async () => {
    const database = await withTable()
    await assert.rejects(database.batch([insert(1), insert(1)]), conflict('unique', 1))
    const orphan = { sql: 'insert into parts (thing, name) values ($1, $2)', params: [7, 'wheel'] }
    await assert.rejects(database.batch([insert(1), orphan]), conflict('foreign-key', 1))
    await database.batch([insert(1), { ...orphan, params: [1, 'wheel'] }])
    await assert.rejects(
      database.batch([{ sql: 'delete from things where id = $1', params: [1] }]),
      conflict('foreign-key', 0),
    )
    await database.close()
  })

  test(`${name}: after a failed batch the next one works`, async () => {
    const database = await withTable()
    await assert.rejects(database.batch([{ sql: 'insert into nowhere values (1)' }]))
    await database.batch([insert(3)])
    assert.equal((await database.query('select id from things')).length, 1)
    await database.close()
  })

  test(`${name}: batches that are called at the same time fail alone`, async () => {
    const database = await withTable()
    const guard = { sql: 'delete from things where id = $1', params: [-1], mustChangeRows: true as const }
    const ends = await Promise.allSettled([
      database.batch([insert(1), insert(2)]),
      database.batch([insert(3), guard]),
      database.batch([insert(3), insert(1)]),
      database.query('insert into things (id) values ($1) returning id', [4]),
      database.batch([{ sql: 'insert into nowhere values (1)' }]),
      database.query('insert into things (id) values ($1)', [2]),
      database.batch([insert(3)]),
    ])
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
    )
    const reasonOf = (index: number) => (ends[index]?.status === 'rejected' ? ends[index].reason : undefined)
    assert.ok(conflict('guard', 1)(reasonOf(1)))
    assert.ok(conflict('unique', 1)(reasonOf(2)))
    const rows = await database.query('select id from things order by id')
    assert.deepEqual(
      rows.map((row) => row.id),
      [1, 2, 3, 4],
    )
    await database.close()
  })

  test(`${name}: whoever waited for a write sees it, and everybody does`, async () => {
    const database = await withTable()
    await Promise.all(
      Array.from({ length: 100 }, async (_, id) => {
        if (id % 2 === 0) await database.batch([insert(id)])
        else await database.query('insert into things (id) values ($1)', [id])
        assert.equal((await database.query('select id from things where id = $1', [id])).length, 1)
      }),
    )
    assert.equal((await database.query('select id from things')).length, 100)
    await database.close()
  })

  test(`${name}: numbers beyond 32 bits, booleans and null come back as they went in`, async () => {
    const database = await withTable()
    const sizeInBytes = 2 ** 52
    await database.query('insert into things (id, title, size, is_good) values ($1, $2, $3, $4)', [
      1,
      null,
      sizeInBytes,
      false,
    ])
    const [row] = await database.query('select * from things where is_good = $1', [false])
    assert.equal(row?.size, sizeInBytes)
    assert.equal(row?.title, null)
    assert.equal(Boolean(row?.is_good), false)
    await database.close()
  })

  test(`${name}: a placeholder may stand several times, and rows are compared as tuples`, async () => {
    const database = await withTable()
    await database.batch([insert(1, 'a'), insert(2, 'b'), insert(3, 'b')])
    const rows = await database.query(
      'select id from things where (title, id) > ($1, $2) and title >= $1 order by id',
      ['b', 2],
    )
    assert.deepEqual(
      rows.map((row) => row.id),
      [3],
    )
    await database.close()
  })

  test(`${name}: the clock is in milliseconds and stands still within a statement`, async () => {
    const database = await withTable()
    const [row] = await database.query('select (select now_ms from clock) as a, (select now_ms from clock) as b')
    assert.equal(row?.a, row?.b)
    assert.ok(Math.abs(Number(row?.a) - Date.now()) < 5000)
    await database.close()
  })
}
