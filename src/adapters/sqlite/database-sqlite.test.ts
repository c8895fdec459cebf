import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { databaseContract } from '../../../tests/contracts/database.contract.ts'
import { eventually } from '../../../tests/support/operation-end.ts'
import { AppError } from '../../domain/errors.ts'
import type { Database } from '../../ports/database.ts'
import { migrate } from '../../store/migrate.ts'
import { openSqlite, SQLITE_DIALECT } from './database-sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'aduana-sqlite-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

function newPath(): string {
  files += 1
  return join(folder, `${files}.db`)
}

async function openMigrated(path: string): Promise<Database> {
  const database = openSqlite(path)
  await migrate(database, SQLITE_DIALECT)
  return database
}

async function openWithThings(path = newPath()): Promise<Database> {
  const database = openSqlite(path)
  await database.query('create table if not exists things (id integer primary key, text text)')
  return database
}

const insert = (id: number, text = '') => ({
  sql: 'insert into things (id, text) values ($1, $2)',
  params: [id, text],
})

/** Keeps everybody else from writing. */
function beginInAnother(path: string): DatabaseSync {
  const other = new DatabaseSync(path, { timeout: 5000 })
  other.exec('begin immediate')
  return other
}

async function idsIn(database: Database): Promise<unknown[]> {
  return (await database.query('select id from things order by id')).map(({ id }) => id)
}

const failed = (sentence: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === 'DatabaseFailed' && sentence.test(error.message)

databaseContract('sqlite in memory', SQLITE_DIALECT, () => openMigrated(':memory:'))
databaseContract('sqlite in a file', SQLITE_DIALECT, () => openMigrated(newPath()))

for (const path of [':memory:', newPath()]) {
  test(`what was read from ${path === ':memory:' ? 'memory' : 'a file'} stands until its revision is another one`, async () => {
    const database = await openWithThings(path)
    const before = database.revision?.()
    assert.equal(typeof before, 'number')
    await idsIn(database)
    assert.equal(database.revision?.(), before)

    const written = database.batch([insert(1)])
    assert.equal(database.revision?.(), undefined)
    await written
    const afterwards = database.revision?.()
    assert.equal(typeof afterwards, 'number')
    assert.notEqual(afterwards, before)

    const [one, other] = [database.query('delete from things'), database.batch([insert(1)])]
    await one
    await other
    await assert.rejects(database.batch([insert(1)]))
    assert.equal(new Set([before, afterwards, database.revision?.()]).size, 3)
    await database.close()
  })
}

test('who only reads does not know when others write', async () => {
  const path = newPath()
  const database = await openWithThings(path)
  const reader = openSqlite(path, { readOnly: true })
  assert.equal(reader.revision, undefined)
  await reader.close()
  await database.close()
})

test('a database of a newer Aduana is refused with a sentence', async () => {
  const database = await openMigrated(':memory:')
  await database.query("insert into migrations (number, name, ran_at) values (999, '0999-future.sql', 0)")
  await assert.rejects(migrate(database, SQLITE_DIALECT), /written by a newer Aduana \(schema 999/)
  await database.close()
})

test('rows survive closing and opening, and migrating twice changes nothing', async () => {
  const path = newPath()
  const first = await openMigrated(path)
  await first.query("insert into instances (instance, created_at) values ('blue', 1)")
  await first.close()
  const second = await openMigrated(path)
  assert.equal((await second.query('select * from instances')).length, 1)
  await second.close()
})

test('questions are answered while a write waits, which then happens', async () => {
  const path = newPath()
  const database = await openWithThings(path)
  const other = beginInAnother(path)
  let isDone = false
  const writing = database.batch([insert(1)]).then(() => {
    isDone = true
  })
  for (let asked = 0; asked < 20; asked += 1) {
    assert.deepEqual(await idsIn(database), [])
    await new Promise(setImmediate)
  }
  assert.equal(isDone, false)
  other.exec('commit')
  other.close()
  await writing
  assert.deepEqual(await idsIn(database), [1])
  await database.close()
})

test('a write that another process holds up for too long fails with DatabaseFailed', async () => {
  const path = newPath()
  const database = await openWithThings(path)
  const other = beginInAnother(path)
  await assert.rejects(database.batch([insert(1)]), failed(/another process has locked it/))
  other.close()
  await database.batch([insert(1)])
  await database.close()
})

test('writes happen in the order in which they are called', async () => {
  const database = await openWithThings()
  await database.query('insert into things (id, text) values (1, $1)', [''])
  const digits = Array.from({ length: 200 }, (_, index) => String(index % 10))
  const sql = 'update things set text = text || $1 where id = 1'
  await Promise.all(
    digits.map((digit, index) =>
      index % 3 === 0 ? database.query(sql, [digit]) : database.batch([{ sql, params: [digit] }]),
    ),
  )
  assert.equal((await database.query('select text from things'))[0]?.text, digits.join(''))
  await database.close()
})

test('writes that wait for the disk at the same time share a commit', async () => {
  const path = newPath()
  const database = await openWithThings(path)
  const writes = 500
  const pageBytes = 4096
  await Promise.all(Array.from({ length: writes }, (_, id) => database.batch([insert(id)])))
  // Each commit of its own would have added at least one page to the log.
  assert.ok(statSync(`${path}-wal`).size < (writes / 2) * pageBytes)
  assert.equal((await idsIn(database)).length, writes)
  await database.close()
})

test('commits are flushed, references are held, and what is deleted is wiped', async () => {
  const database = await openWithThings()
  const [synchronous] = await database.query('pragma synchronous')
  const [foreignKeys] = await database.query('pragma foreign_keys')
  const [secureDelete] = await database.query('pragma secure_delete')
  assert.deepEqual(
    [{ ...synchronous }, { ...foreignKeys }, { ...secureDelete }],
    [{ synchronous: 2 }, { foreign_keys: 1 }, { secure_delete: 1 }],
  )
  await database.close()
})

test('what was overwritten is soon in no file, whether or not something else is written', async () => {
  for (const isBusy of [false, true]) {
    const path = newPath()
    const database = await openWithThings(path)
    await database.batch([insert(1, 'opensesame')])
    await database.query('update things set text = null')
    const isGone = () => [path, `${path}-wal`].every((file) => !readFileSync(file).includes('opensesame'))
    let id = 1
    await eventually('it is gone', async () => {
      if (isBusy) {
        id += 1
        await database.batch([insert(id)])
      }
      return isGone()
    })
    await database.close()
  }
})

test('a mistake in a statement or a value is told as it is, and is nobody else’s', async () => {
  const database = await openWithThings()
  await assert.rejects(database.query('insert into nowhere values (1)'), /no such table: nowhere/)
  await assert.rejects(database.query('insert into things values ($1, $2)', [1, {} as never]), /cannot be bound/)
  await assert.rejects(database.query('insert into things (id) values ($1)', [(() => {}) as never]))
  await assert.rejects(database.query('with x as (select 1) delete from things'), failed(/only be read/))
  await database.batch([insert(1)])
  assert.deepEqual(await idsIn(database), [1])
  await database.close()
})

test('what was called before closing is done; closing twice is the same', async () => {
  const path = newPath()
  const database = await openWithThings(path)
  const writes = Promise.all(Array.from({ length: 200 }, (_, id) => database.batch([insert(id)])))
  await Promise.all([database.close(), database.close()])
  await writes
  await assert.rejects(database.batch([insert(999)]), /closed/)
  await database.close()
  const again = await openWithThings(path)
  assert.equal((await idsIn(again)).length, 200)
  await again.close()
})

test('when the thread that writes dies, what waits fails, and the next write has a new one', async () => {
  const { promise: thread, resolve } = Promise.withResolvers<Worker>()
  process.once('worker', resolve)
  const path = newPath()
  const database = await openWithThings(path)
  const other = beginInAnother(path)
  const writes = Promise.allSettled([database.batch([insert(1)]), database.query('insert into things (id) values (2)')])
  await (await thread).terminate()
  other.close()
  for (const end of await writes) {
    assert.ok(end.status === 'rejected' && failed(/the thread that writes has ended/)(end.reason))
  }
  await database.batch([insert(3)])
  assert.deepEqual(await idsIn(database), [3])
  await database.close()
})

test('a database that only has to be read is not changed, and says so', async () => {
  const path = newPath()
  const database = await openWithThings(path)
  await database.batch([insert(1)])
  const reader = openSqlite(path, { readOnly: true })
  assert.deepEqual(await idsIn(reader), [1])
  await assert.rejects(reader.batch([insert(2)]), failed(/only be read/))
  await assert.rejects(reader.query('delete from things'), failed(/only be read/))
  await reader.close()
  await database.close()
})

test('a file that is damaged while it is open is told in a sentence, by reading and by writing', async () => {
  const path = newPath()
  const first = await openWithThings(path)
  await first.batch([insert(1)])
  await first.close()
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xa5, 4096))
  const database = openSqlite(path)
  await assert.rejects(idsIn(database), /The database .* is damaged\. Stop Aduana and restore/)
  await assert.rejects(database.batch([insert(2)]), /The database .* is damaged\. Stop Aduana and restore/)
  await database.close()
})
