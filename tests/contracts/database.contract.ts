import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchConflict, type Database } from '../../src/ports/database.ts'
import type { MigrationDialect } from '../../src/store/migrate.ts'

/** What every database has to do. `open` gives an empty one with the schema; `text` is its type for what is compared byte by byte. */
export function databaseContract(
  name: string,
  { text }: Pick<MigrationDialect, 'text'>,
  open: () => Promise<Database>,
): void {
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
    await database.batch([insert(1), insert(2)])
    const ends = await Promise.allSettled([
      database.batch([insert(3), guard]),
      database.batch([insert(4), insert(1)]),
      database.query('insert into things (id) values ($1) returning id', [5]),
      database.batch([{ sql: 'insert into nowhere values (1)' }]),
      database.query('insert into things (id) values ($1)', [2]),
      database.batch([insert(6)]),
    ])
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
    )
    const reasonOf = (index: number) => (ends[index]?.status === 'rejected' ? ends[index].reason : undefined)
    assert.ok(conflict('guard', 1)(reasonOf(0)))
    assert.ok(conflict('unique', 1)(reasonOf(1)))
    const rows = await database.query('select id from things order by id')
    assert.deepEqual(
      rows.map((row) => row.id),
      [1, 2, 5, 6],
    )
    await database.close()
  })

  test(`${name}: a guard that fails is told before what failed behind it`, async () => {
    const database = await withTable()
    const guard = { sql: 'delete from things where id = $1', params: [9], mustChangeRows: true as const }
    await assert.rejects(database.batch([insert(1), guard, insert(1)]), conflict('guard', 1))
    await database.close()
  })

  test(`${name}: batches at the same time are as good as one after another`, async () => {
    const database = await withTable()
    // Each asks how many there are, which no lock on a row could keep as it is.
    const ends = await Promise.allSettled(
      Array.from({ length: 20 }, (_, id) =>
        database.batch([
          {
            sql: 'insert into things (id) select $1 where (select count(*) from things) < $2',
            params: [id, 7],
            mustChangeRows: true,
          },
        ]),
      ),
    )
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 7)
    for (const end of ends) assert.ok(end.status === 'fulfilled' || conflict('guard', 0)(end.reason), String(end))
    assert.equal((await database.query('select id from things')).length, 7)
    await database.close()
  })

  test(`${name}: of two batches that each look whether the other was there, one finds it`, async () => {
    const database = await withTable()
    for (let pair = 0; pair < 40; pair += 2) {
      const unlessThere = (id: number, other: number) =>
        database.batch([
          {
            sql: 'insert into things (id) select $1 where not exists (select 1 from things where id = $2)',
            params: [id, other],
            mustChangeRows: true,
          },
        ])
      const ends = await Promise.allSettled([unlessThere(pair, pair + 1), unlessThere(pair + 1, pair)])
      assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    }
    await database.close()
  })

  test(`${name}: a batch may be large`, async () => {
    const database = await withTable()
    const title = 'x'.repeat(10_000)
    await database.batch(Array.from({ length: 1000 }, (_, id) => insert(id, title)))
    const [row] = await database.query('select count(*) as count, max(length(title)) as longest from things')
    assert.deepEqual({ ...row }, { count: 1000, longest: 10_000 })
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

  test(`${name}: numbers beyond 32 bits, booleans and null come back as they went in, booleans as 1 and 0`, async () => {
    const database = await withTable()
    const size = 2 ** 52
    await database.batch([
      { sql: 'insert into things (id, title, size, is_good) values ($1, $2, $3, $4)', params: [1, null, size, false] },
      { sql: 'insert into things (id, title, size, is_good) values ($1, $2, $3, $4)', params: [2n, '', -size, true] },
    ])
    const rows = await database.query('select * from things where is_good = $1 or is_good = $2 order by id', [
      true,
      false,
    ])
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [
        { id: 1, title: null, size, is_good: 0 },
        { id: 2, title: '', size: -size, is_good: 1 },
      ],
    )
    const [sums] = await database.query('select count(*) as count, sum(size) as sum, sum(id) as ids from things')
    assert.deepEqual({ ...sums }, { count: 2, sum: 0, ids: 3 })
    await database.close()
  })

  test(`${name}: bytes come back as they went in`, async () => {
    const database = await withTable()
    await database.query('create table pieces (bytes bytea)')
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    await database.query('insert into pieces values ($1)', [bytes])
    assert.deepEqual((await database.query('select bytes from pieces'))[0]?.bytes, bytes)
    await database.close()
  })

  test(`${name}: what is no value is refused rather than taken for another`, async () => {
    const database = await withTable()
    for (const value of [undefined, new Date(0), {}, ['a'], () => {}]) {
      const params = [1, value as never]
      await assert.rejects(database.query('insert into things (id, title) values ($1, $2)', params))
      await assert.rejects(database.batch([{ sql: 'insert into things (id, title) values ($1, $2)', params }]))
    }
    assert.deepEqual(await database.query('select id from things'), [])
    await database.close()
  })

  test(`${name}: texts are kept and compared by their bytes, whatever is in them`, async () => {
    const database = await withTable()
    await database.query(`create table words (word ${text} primary key)`)
    const words = ['', ' ', 'B', 'a', 'a b', 'a-b', 'ab', 'b', 'ß', 'é', 'ж', '\u{ffff}', '\u{1f600}', '\u{10ffff}']
    await database.batch(words.toReversed().map((word) => ({ sql: 'insert into words values ($1)', params: [word] })))
    assert.deepEqual(
      (await database.query('select word from words order by word')).map(({ word }) => word),
      words,
    )
    // What no text can have is no reason to fail.
    for (const odd of ['a\0b', '\ud800']) {
      await database.query('insert into words values ($1)', [odd])
      assert.equal((await database.query('select word from words where word = $1', [odd])).length, 1)
    }
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
