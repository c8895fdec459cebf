import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { copySqlite } from './copy-sqlite.ts'

const root = mkdtempSync(join(tmpdir(), 'aduana copy #1?-'))
after(() => rmSync(root, { recursive: true }))

/** Two tables that always change together. */
const WRITER = `
  import { DatabaseSync } from 'node:sqlite'
  const db = new DatabaseSync(process.argv[2], { timeout: 1000 })
  db.exec('pragma synchronous = full')
  setInterval(() => db.exec("begin immediate; insert into a (v) values (hex(randomblob(500))); insert into b (v) values ('x'); commit"), 1)
  process.send('writing')
`

test('a copy is one moment of the database, while another process writes without a pause and is not held up', async () => {
  const from = join(root, 'live.db')
  const live = new DatabaseSync(from)
  live.exec(`
    pragma journal_mode = wal;
    create table a (id integer primary key, v text unique);
    create table b (id integer primary key, v text);
    create index a_by_v on a (v);
    create view both as select count(*) as n from a;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 4000)
      insert into a (v) select hex(randomblob(500)) from n;
    insert into b (v) select 'y' from a;
  `)
  writeFileSync(join(root, 'writer.mjs'), WRITER)
  const writer = fork(join(root, 'writer.mjs'), [from])
  try {
    await once(writer, 'message')
    const rowsIn = (db: DatabaseSync) => Number(db.prepare('select count(*) as n from b').get()?.n)
    const before = rowsIn(live)
    const during: number[] = []
    for (const name of ['one.db', 'two.db']) {
      const to = join(root, name)
      await copySqlite({ from, to, emptied: {}, settle: async () => void during.push(rowsIn(live)) })
      const copy = new DatabaseSync(to, { readOnly: true })
      assert.equal(copy.prepare('select n from both').get()?.n, rowsIn(copy), 'never half a transaction')
      assert.deepEqual(
        copy
          .prepare('pragma integrity_check')
          .all()
          .map((row) => row.integrity_check),
        ['ok'],
      )
      const names = (db: DatabaseSync) => db.prepare('select type, name, sql from sqlite_schema order by name').all()
      assert.deepEqual(names(copy), names(live))
      copy.close()
    }
    assert.ok((during.at(-1) ?? 0) > before, 'it went on writing')
  } finally {
    writer.kill()
    live.close()
  }
  assert.ok(readdirSync(root).includes('one.db'))
  assert.deepEqual(
    readdirSync(root).filter((name) => /(one|two)\.db-/.test(name)),
    [],
  )
})

test('emptied columns never reach the copy, however large they are', async () => {
  const from = join(root, 'secret.db')
  const live = new DatabaseSync(from)
  live.exec('create table t (id text primary key, secret text, kept text)')
  const insert = live.prepare('insert into t values (?, ?, ?)')
  for (let id = 0; id < 50; id += 1) insert.run(String(id), `opensesame${'s'.repeat(9000)}`, `kept ${id}`)
  live.close()
  const to = join(root, 'open.db')
  await copySqlite({
    from,
    to,
    emptied: { t: ['secret'] },
    settle: async (copy) => void (await copy.query('delete from t where id = $1', ['7'])),
  })
  const copy = new DatabaseSync(to, { readOnly: true })
  assert.deepEqual(
    { ...copy.prepare('select count(*) as n, count(secret) as s, count(kept) as k from t').get() },
    { n: 49, s: 0, k: 49 },
  )
  copy.close()
  assert.ok(!readFileSync(to).includes('opensesame'))
})

test('a database that is not there, empty or none is told in a sentence, and is not made', async () => {
  const copy = (from: string) =>
    copySqlite({ from, to: join(root, `${Math.random()}.db`), emptied: {}, settle: async () => {} })
  await assert.rejects(copy(join(root, 'none.db')), /none\.db cannot be opened/)
  assert.ok(!readdirSync(root).includes('none.db'))
  writeFileSync(join(root, 'empty.db'), '')
  await assert.rejects(copy(join(root, 'empty.db')), /empty\.db is empty/)
  writeFileSync(join(root, 'text.db'), 'This is a text.'.repeat(100))
  await assert.rejects(copy(join(root, 'text.db')), /text\.db is not a database/)
})
