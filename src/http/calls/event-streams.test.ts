import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AppInMemory, type AppInMemoryOptions, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { openStream } from '../../../tests/support/event-stream.ts'
import { OPERATIONS, seedEveryState } from '../../../tests/support/seed-every-state.ts'
import { noteProgress } from '../../store/operations/progress.ts'

const PATH = `/aduana/v1/default/operations/${OPERATIONS.running}/events`
const RUNNING = { operationId: OPERATIONS.running, attempt: 1 }
const POSITION = { item: 0, ordinal: 0 }

async function startSeeded(t: TestContext, options: AppInMemoryOptions = {}): Promise<AppInMemory> {
  const app = await startAppInMemory({ instances: ['default', 'many'], ...options })
  t.after(() => app[Symbol.asyncDispose]())
  await seedEveryState(app.database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
  return app
}

const open = (app: AppInMemory, path = PATH, role = 'DeviceUpdateReader') => openStream(app.url + path, { token: role })

const progress = (app: AppInMemory, bytesDone: number) =>
  noteProgress(app.database, RUNNING, POSITION, { bytesDone, phase: 'Downloading' })

test('an operation that has ended is told once, and the stream ends', async (t) => {
  const app = await startSeeded(t)
  const stream = await open(app, PATH.replace(OPERATIONS.running, OPERATIONS.failedFile))
  assert.equal(stream.status, 200)
  assert.equal(stream.headers.get('content-type'), 'text/event-stream')
  assert.equal(stream.headers.get('cache-control'), 'no-store')
  assert.equal(stream.headers.get('x-accel-buffering'), 'no')
  assert.equal(stream.headers.get('content-encoding'), null)
  await stream.ended
  const [event, ...others] = await stream.events(1)
  assert.deepEqual(others, [])
  assert.equal(event?.event, 'operation')
  const document = await app.ask(PATH.replace('/events', '').replace(OPERATIONS.running, OPERATIONS.failedFile))
  assert.equal(event.data, document.text)
})

test('one that runs is told at once, then at each change, to its end', async (t) => {
  const app = await startSeeded(t)
  const stream = await open(app)
  await stream.events(1)
  await progress(app, 600_000)
  await stream.events(2)
  await app.database.query(`update operations set status = 'Succeeded', due_at = null, etag = '"2"' where id = $1`, [
    OPERATIONS.running,
  ])
  await stream.ended
  const told = (await stream.events(3)).map(({ data }) => JSON.parse(data))
  assert.deepEqual(
    told.map(({ status, files }) => [status, files[0].bytesDone]),
    [
      ['Running', 524_288],
      ['Running', 600_000],
      ['Succeeded', 600_000],
    ],
  )
})

test('one that is forgotten while somebody watches it ends the stream', async (t) => {
  const app = await startSeeded(t)
  const stream = await open(app)
  await stream.events(1)
  await app.database.query('delete from operations where id = $1', [OPERATIONS.running])
  await stream.ended
})

test('one that is not there, or not in this instance, is not found', async (t) => {
  const app = await startSeeded(t)
  for (const path of [PATH.replace(OPERATIONS.running, 'x'), PATH.replace('default', 'many')]) {
    assert.equal((await app.ask(path)).status, 404)
  }
})

test('HEAD has the headers and no stream', async (t) => {
  const app = await startSeeded(t)
  const answer = await app.ask(PATH, { method: 'HEAD' })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'text/event-stream')
})

test('a stream that has nothing to tell shows that it is alive', async (t) => {
  const app = await startSeeded(t, { streams: { heartbeatMs: 50 } })
  const stream = await open(app)
  while (stream.comments.length < 2) await sleep(20)
  assert.equal((await stream.events(1)).length, 1)
  stream.leave()
})

test('a caller who may no longer read is told nothing more', async (t) => {
  const app = await startSeeded(t, { streams: { recheckMs: 50 } })
  const stream = await open(app)
  await stream.events(1)
  app.revoke('DeviceUpdateReader')
  await stream.ended
  const others = await open(app, PATH, 'DeviceUpdateAdministrator')
  assert.equal((await others.events(1)).length, 1)
  others.leave()
})

test('a server that stops ends its streams, and opens no more', async (t) => {
  const app = await startSeeded(t)
  const stream = await open(app)
  await stream.events(1)
  app.endStreams()
  await stream.ended
  assert.equal((await app.ask(PATH)).status, 503)
})

test('each caller and the server have so many, and those that leave make room', async (t) => {
  const app = await startSeeded(t, { streams: { subjectMax: 2, streamsMax: 3 } })
  const first = await open(app)
  const second = await open(app)
  const third = await app.ask(PATH, { role: 'DeviceUpdateReader' })
  assert.equal(third.status, 429)
  assert.equal(third.json<{ error: { code: string } }>().error.code, 'TooManyRequests')
  assert.ok(Number(third.headers['retry-after']) > 0)
  const other = await open(app, PATH, 'DeviceUpdateAdministrator')
  const full = await app.ask(PATH, { role: 'DeviceUpdateAdministrator' })
  assert.equal(full.status, 503)
  assert.equal(full.json<{ error: { code: string } }>().error.code, 'Unavailable')

  first.leave()
  for (;;) {
    const again = await open(app)
    again.leave()
    if (again.status === 200) break
    await sleep(20)
  }
  second.leave()
  other.leave()
})

test('who does not read holds up nobody, and gets the newest state instead of all that was missed', async (t) => {
  const app = await startSeeded(t)
  // A document of a megabyte, so that the connection is soon full.
  await app.database.batch(
    Array.from({ length: 6000 }, (_, ordinal) => ({
      sql: `insert into operation_files (operation_id, item, ordinal, file_name, size_in_bytes, bytes_done, phase, content_id)
            values ($1, 1, $2, $3, 1, 0, 'Waiting', $4)`,
      params: [OPERATIONS.running, ordinal, `${ordinal}-${'x'.repeat(100)}`, `c${ordinal}`],
    })),
  )
  const slow = request(app.url + PATH, { headers: { authorization: 'Bearer DeviceUpdateReader' } }).end()
  const [answer] = await once(slow, 'response')
  const attentive = await open(app, PATH, 'DeviceUpdateAdministrator')
  const changes = 16
  for (let change = 1; change <= changes; change += 1) {
    await progress(app, 600_000 + change)
    await attentive.events(change + 1)
  }
  let text = ''
  answer.on('data', (chunk: Buffer) => {
    text += chunk
  })
  while (!text.includes(`"bytesDone":${600_000 + changes},`)) await sleep(20)
  slow.destroy()
  attentive.leave()
  const told = text.match(/event: operation/g)?.length ?? 0
  assert.ok(told < changes / 2, `${told} of ${changes} states were kept for who does not read`)
})
