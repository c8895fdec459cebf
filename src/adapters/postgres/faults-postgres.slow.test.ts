import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import pg from 'pg'
import { eventually } from '../../../tests/support/operation-end.ts'
import { noPostgres, type Postgres, startPostgres } from '../../../tests/support/postgres.ts'
import { startTcpProxy } from '../../../tests/support/tcp-proxy.ts'
import { AppError } from '../../domain/errors.ts'
import type { PostgresBounds } from './connections.ts'
import { openPostgres, type PostgresDatabase } from './database-postgres.ts'

/** So that a test need not wait for long. */
const SHORT = { statementMs: 400, silenceMs: 400, waitMs: 800 }
/** After a statement's time, the longest that its caller may hear nothing. */
const SILENCE_MS = 2000 + 1000

let server: Postgres
before(async () => {
  server = await startPostgres({ settings: { max_connections: 30, synchronous_commit: 'on' } })
})
after(() => server[Symbol.asyncDispose]())

const options = { skip: noPostgres }

async function openThings(bounds: Partial<PostgresBounds> = SHORT, port = server.port): Promise<PostgresDatabase> {
  const name = await server.createDatabase()
  await server.ask('create table things (id bigint primary key, title text)', name)
  return openPostgres(server.url(name).replace(`:${server.port}/`, `:${port}/`), bounds)
}

const insert = (id: number, title = '') => ({
  sql: 'insert into things (id, title) values ($1, $2)',
  params: [id, title],
})
const touch = (id: number) => ({ sql: 'update things set title = title || $1 where id = $2', params: ['.', id] })

async function idsIn(database: PostgresDatabase): Promise<unknown[]> {
  return (await database.query('select id from things order by id')).map(({ id }) => id)
}

const failed = (sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AppError && error.code === 'DatabaseFailed' && error.mayRecover, inspect(error))
  assert.match(error.message, sentence)
  return true
}

/** What it takes until a promise is settled, in milliseconds. */
async function took(settled: Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await settled.catch(() => {})
  return performance.now() - begin
}

/** Locks a row for as long as it is not disposed of. */
async function holdRow({ title }: PostgresDatabase, id: number): Promise<AsyncDisposable> {
  const other = new pg.Client({ connectionString: title, ssl: false })
  await other.connect()
  await other.query('begin')
  await other.query('update things set title = $1 where id = $2', ['held', id])
  return { [Symbol.asyncDispose]: () => other.end() }
}

for (const how of ['goodbye', 'crash'] as const) {
  test(
    `a server that ends by a ${how} and starts again: what ran fails, nothing is half done, and work goes on`,
    options,
    async () => {
      const database = await openThings()
      const done: number[] = []
      const unexpected: unknown[] = []
      let id = 0
      let isOver = false
      async function work(): Promise<void> {
        while (!isOver) {
          const [one, other] = [id++, id++]
          try {
            await database.batch([insert(one), insert(other)])
            done.push(one, other)
            await database.query('select id from things where id = $1', [one])
          } catch (error) {
            if (!(error instanceof AppError && error.code === 'DatabaseFailed')) unexpected.push(error)
            await sleep(5)
          }
        }
      }
      const workers = Array.from({ length: 8 }, work)
      await sleep(200)
      await server.stop(how)
      const before = done.length
      assert.ok(before > 0)
      await sleep(100)
      await assert.rejects(database.query('select 1'), failed(/cannot be reached \(ECONNREFUSED\)|connection was lost/))
      await server.start()
      await eventually('work goes on', () => done.length > before + 100)
      isOver = true
      await Promise.all(workers)
      assert.deepEqual(unexpected, [])
      const there = new Set(await idsIn(database))
      assert.deepEqual(
        done.filter((one) => !there.has(one)),
        [],
        'what was promised is there',
      )
      for (const one of there) assert.ok(there.has(Number(one) ^ 1), `${one} came without the other of its batch`)
      await database.close()
    },
  )
}

test('when a connection is ended from outside, what was asked is asked again over another one', options, async () => {
  const database = await openThings({ ...SHORT, statementMs: 5000 })
  await database.batch([insert(1)])
  const lose = (which: string) =>
    server.ask(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aduana' and ${which}`)
  // Whoever asks next may do so before the news has come.
  for (let id = 10; id < 15; id += 1) {
    await lose("state = 'idle'")
    await database.batch([insert(id)])
    await lose("state = 'idle'")
    assert.equal((await idsIn(database)).at(-1), id)
  }
  const held = await holdRow(database, 1)
  const waiting = database.batch([insert(2), touch(1)])
  await sleep(100)
  await lose("wait_event_type = 'Lock'")
  await sleep(100)
  await held[Symbol.asyncDispose]()
  await waiting
  assert.deepEqual((await idsIn(database)).slice(0, 2), [1, 2])
  // A single statement that writes may have done so.
  const writing = assert.rejects(
    database.query('update things set title = cast(pg_sleep($1) as text)', [2]),
    failed(/shutting down|connection was lost/),
  )
  await sleep(100)
  await lose("state = 'active'")
  await writing
  await database.close()
})

test('a statement that waits too long for a lock ends, and so does its batch', options, async () => {
  const database = await openThings()
  await database.batch([insert(1)])
  {
    await using _held = await holdRow(database, 1)
    assert.ok((await took(assert.rejects(database.batch([insert(2), touch(1)]), failed(/took too long/)))) < 1000)
    await assert.rejects(database.query(touch(1).sql, touch(1).params), failed(/took too long/))
    assert.deepEqual(await idsIn(database), [1])
  }
  await database.batch([touch(1)])
  await database.close()
})

test('a network that falls silent keeps nobody waiting, and new connections are made', options, async () => {
  await using proxy = await startTcpProxy({ targetPort: server.port })
  const database = await openThings(SHORT, proxy.port)
  await Promise.all(Array.from({ length: 3 }, (_, id) => database.batch([insert(id)])))
  proxy.silence()
  const asked = [database.query('select 1'), database.batch([insert(10)]), database.batch([insert(11), insert(12)])]
  const ms = await took(Promise.allSettled(asked))
  assert.ok(ms < 400 + SILENCE_MS, `${ms} ms`)
  for (const one of asked) await assert.rejects(one, failed(/did not answer in time/))
  await eventually('another connection is made', () =>
    database.query('select 1').then(
      () => true,
      () => false,
    ),
  )
  await database.batch([insert(20)])
  assert.ok((await took(database.close())) < SILENCE_MS)
})

test('a machine that holds still keeps nobody waiting, however many come', options, async () => {
  const database = await openThings({ ...SHORT, connectionsMax: 3, waitersMax: 20 })
  await database.query('select 1')
  server.freeze()
  try {
    const ends = await Promise.all(
      Array.from({ length: 50 }, async () => {
        let error: unknown
        const ms = await took(
          database.query('select 1').catch((cause) => {
            error = cause
          }),
        )
        return { ms, error }
      }),
    )
    for (const { ms, error } of ends) {
      failed(/did not answer|does not answer|all connections are busy|too many wait/)(error)
      assert.ok(ms < 400 + SILENCE_MS, `${ms} ms`)
    }
    assert.ok(ends.filter(({ ms }) => ms < 100).length >= 20, 'who comes when too many wait is told so at once')
  } finally {
    server.thaw()
  }
  await eventually('it answers again', () =>
    database.query('select 1').then(
      () => true,
      () => false,
    ),
  )
  await database.close()
})

test('locks of a node that vanished in the midst of a batch do not stay', options, async () => {
  await using proxy = await startTcpProxy({ targetPort: server.port })
  const vanished = await openThings(SHORT, proxy.port)
  await vanished.batch([insert(1)])
  const lost = vanished.batch([touch(1), { sql: 'select pg_sleep($1)', params: [0.2] }])
  await sleep(100)
  proxy.silence()
  const other = openPostgres(vanished.title.replace(`:${proxy.port}/`, `:${server.port}/`), {
    ...SHORT,
    statementMs: 5000,
  })
  const ms = await took(other.batch([touch(1)]))
  assert.ok(ms > 100 && ms < 2000, `${ms} ms`)
  assert.equal((await other.query('select title from things'))[0]?.title, '.')
  await assert.rejects(lost, failed(/did not answer in time/))
  await Promise.all([vanished.close(), other.close()])
})

test(
  'when the connection is lost while a batch commits, the error says that it may have happened',
  options,
  async () => {
    await using proxy = await startTcpProxy({ targetPort: server.port })
    const database = await openThings({ ...SHORT, statementMs: 5000 }, proxy.port)
    const name = database.title.split('/').at(-1)
    await server.ask(
      `create function take_time() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return null; end $$;
     create constraint trigger slow_commit after insert on things deferrable initially deferred
       for each row execute function take_time()`,
      name,
    )
    const committing = database.batch([insert(1)])
    await sleep(250)
    proxy.reset()
    await assert.rejects(committing, failed(/while it committed, so what was asked may have happened/))
    await eventually('it has happened', async () => (await idsIn(database)).length === 1)
    await database.close()
  },
)

test('a process that stood still until the server gave its batch up does it again, once', options, async () => {
  const database = await openThings({ ...SHORT, statementMs: 5000 })
  await database.batch([insert(1)])
  const writing = database.batch([touch(1), { sql: 'select pg_sleep($1)', params: [0.2] }])
  await sleep(100)
  // As a paused process: it hears nothing and says nothing, until after the time.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
  await writing
  assert.equal((await database.query('select title from things'))[0]?.title, '.')
  await database.close()
})

test('batches that wait for each other crosswise both happen', options, async () => {
  const database = await openThings({ statementMs: 10_000 })
  await database.batch([insert(1), insert(2)])
  const pause = { sql: 'select pg_sleep($1)', params: [0.05] }
  await Promise.all([
    database.batch([touch(1), pause, touch(2)]),
    database.batch([touch(2), pause, touch(1)]),
    database.batch([touch(1), pause, touch(2)]),
  ])
  const rows = await database.query('select title from things')
  assert.deepEqual(
    rows.map(({ title }) => title),
    ['...', '...'],
  )
  await database.close()
})

test('a server without a free connection is told apart, and used when it has one', options, async () => {
  const database = await openThings()
  const watcher = await openThings()
  const countConnections = async () => {
    const [row] = await watcher.query('select count(*) as number from pg_stat_activity')
    return Number(row?.number)
  }
  let before = await countConnections()
  const others = await openThings({ statementMs: 6000, silenceMs: 6000, waitMs: 800, connectionsMax: 60 })
  const taken = Promise.allSettled(Array.from({ length: 40 }, () => others.query('select pg_sleep($1)', [4])))
  // Until no more come: a busy machine takes its time to make thirty.
  for (let looks = 0; looks < 15; looks += 1) {
    const number = await countConnections()
    if (number >= 27 && number === before) break
    before = number
    await sleep(200)
  }
  await assert.rejects(database.query('select 1'), failed(/no connection left/))
  await taken
  await others.close()
  await watcher.close()
  await database.batch([insert(1)])
  await database.close()
})

test('who waits too long for a connection of our own is told so', options, async () => {
  const database = await openThings({ connectionsMax: 1, waitMs: 200, statementMs: 5000 })
  const long = database.query('select pg_sleep($1)', [0.8])
  await assert.rejects(database.query('select 1'), failed(/all connections are busy/))
  await long
  await database.query('select 1')
  await database.close()
})

test('a server that only reads is read, and changes are refused', options, async () => {
  const database = await openThings()
  await database.batch([insert(1)])
  const name = database.title.split('/').at(-1)
  await server.ask(`alter database ${name} set default_transaction_read_only = on`)
  await server.ask("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aduana'")
  assert.deepEqual(await idsIn(database), [1])
  await assert.rejects(database.batch([insert(2)]), failed(/only reads/))
  await assert.rejects(database.query('delete from things'), failed(/only reads/))
  await server.ask(`alter database ${name} reset default_transaction_read_only`)
  await database.batch([insert(2)])
  await database.close()
})

test('a standby is read, and changes are refused', options, async () => {
  await using standby = await startPostgres()
  const name = await standby.createDatabase()
  await standby.ask('create table things (id bigint primary key, title text)', name)
  const database = openPostgres(standby.url(name), SHORT)
  await standby.stop()
  await writeFile(join(standby.folder, 'data', 'standby.signal'), '')
  await standby.start()
  assert.deepEqual(await idsIn(database), [])
  await assert.rejects(database.batch([insert(1)]), failed(/is a standby, which only reads/))
  await assert.rejects(database.query('delete from things'), failed(/only reads/))
  await database.close()
})

test('what keeps from connecting is told in a sentence, without names or the password', options, async () => {
  await server.ask("create role closed password 'opensesame'")
  const at = (address: string) => openPostgres(address, SHORT)
  for (const [address, sentence] of [
    ['postgres://x:opensesame@127.0.0.1:1/d', /cannot be reached \(ECONNREFUSED\)/],
    ['postgres://x:opensesame@nowhere.invalid/d', /cannot be reached \((ENOTFOUND|EAI_AGAIN)\)/],
    [`postgres://postgres:opensesame@127.0.0.1:${server.port}/nothing`, /no database of that name/],
    [`postgres://closed:opensesame@127.0.0.1:${server.port}/postgres`, /refuses the user or password/],
    [`postgres://postgres:opensesame@127.0.0.1:${server.port}/postgres?sslmode=require`, /does not encrypt/],
  ] as const) {
    const database = at(address)
    await assert.rejects(database.query('select 1'), (error) => {
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /opensesame/)
      return failed(sentence)(error)
    })
    assert.doesNotMatch(inspect(database, { depth: 9, showHidden: true }) + database.title, /opensesame/)
    await database.close()
  }
})

test('an error has no values of rows in it', options, async () => {
  const database = await openThings()
  await server.ask('alter table things add column secret text not null', database.title.split('/').at(-1))
  const sql = 'insert into things (id, title) values ($1, $2)'
  const params = [1, 'opensesame']
  for (const ask of [() => database.query(sql, params), () => database.batch([{ sql, params }])]) {
    await assert.rejects(ask, (error) => {
      assert.match(String(error), /null value in column "secret"/)
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /opensesame/)
      return true
    })
  }
  await database.close()
})
