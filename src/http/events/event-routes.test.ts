import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { EventSourceMessage } from 'eventsource-parser'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { openStream } from '../../../tests/support/event-stream.ts'
import { OPERATIONS, seedEveryState } from '../../../tests/support/seed-every-state.ts'
import { forgetEvents, listEvents, numberEvents } from '../../store/events/events.ts'
import { endStatements } from '../../store/operations/attempts.ts'
import { noteProgress } from '../../store/operations/progress.ts'
import { recordOperation } from '../../store/operations/record-operation.ts'

const PATH = '/aduana/v1/default/events'
const RUNNING = { operationId: OPERATIONS.running, attempt: 1 }

async function startSeeded(t: TestContext): Promise<AppInMemory> {
  const app = await startAppInMemory({ instances: ['default', 'many'] })
  t.after(() => app[Symbol.asyncDispose]())
  await seedEveryState(app.database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
  await number(app)
  return app
}

async function number({ database }: AppInMemory): Promise<void> {
  while ((await numberEvents(database, 500)) > 0);
}

/** Something happens: so many operations are accepted. */
async function accept({ database }: AppInMemory, count: number, instance = 'default'): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID() as string)
  for (const operationId of ids) {
    const request = { kind: 'import' as const, inputs: [] }
    await recordOperation(database, { operationId, instance, request, requestedBy: 'x', traceId: '0'.repeat(32) })
  }
  return ids
}

const open = (app: AppInMemory, lastEventId?: string) =>
  openStream(app.url + PATH, { token: 'DeviceUpdateReader', lastEventId })

const isDurable = ({ event }: { event?: string | undefined }) => event?.startsWith('aduana.')

test('events are told as they come, once, in their order, and as CloudEvents', async (t) => {
  const app = await startSeeded(t)
  const stream = await open(app)
  const [begin] = await stream.events(1)
  assert.equal(begin?.event, 'begin')
  const before = await listEvents(app.database, { instance: 'default', after: 0, limit: 1000 })
  assert.equal(begin.id, before.at(-1)?.id)

  const ids = await accept(app, 3)
  await accept(app, 2, 'many')
  await number(app)
  const last = await accept(app, 1)
  await number(app)
  const told = (await stream.until((seen) => seen.filter(isDurable).length >= 4)).filter(isDurable)
  assert.deepEqual(new Set(told.map(({ data }) => JSON.parse(data).data.operationId)), new Set([...ids, ...last]))
  assert.equal(JSON.parse(told.at(-1)?.data ?? '').data.operationId, last[0])
  const { time, ...event } = JSON.parse(told.at(-1)?.data ?? '')
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(event, {
    specversion: '1.0',
    id: told.at(-1)?.id,
    source: '/aduana/v1/default',
    type: 'aduana.operation.accepted',
    subject: last[0],
    datacontenttype: 'application/json',
    data: { instance: 'default', operationId: last[0], kind: 'import' },
  })
  stream.leave()
})

test('who names the last event goes on behind it, however much has happened since', async (t) => {
  const app = await startSeeded(t)
  const all = await listEvents(app.database, { instance: 'default', after: 0, limit: 1000 })
  const ids = await accept(app, 450)
  await number(app)
  const stream = await open(app, all.at(-3)?.id)
  const expected = [...all.slice(-2).map(({ id }) => id)]
  const told = (await stream.until((seen) => seen.filter(isDurable).length >= 452)).filter(isDurable)
  assert.deepEqual(
    told.slice(0, 2).map(({ id }) => id),
    expected,
  )
  assert.deepEqual(new Set(told.slice(2).map(({ data }) => JSON.parse(data).data.operationId)), new Set(ids))
  const numbers = await Promise.all(
    told.map(
      async ({ id }) => (await app.database.query('select number from events where id = $1', [id ?? '']))[0]?.number,
    ),
  )
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => Number(a) - Number(b)),
  )
  stream.leave()
})

test('0 stands for all that is kept', async (t) => {
  const app = await startSeeded(t)
  const all = await listEvents(app.database, { instance: 'default', after: 0, limit: 1000 })
  const stream = await open(app, '0')
  const told = await stream.events(all.length)
  assert.deepEqual(
    told.slice(0, all.length).map(({ id }) => id),
    all.map(({ id }) => id),
  )
  stream.leave()
})

test('who names an event that is not kept, or of another instance, is told to begin anew', async (t) => {
  const app = await startSeeded(t)
  const all = await listEvents(app.database, { instance: 'default', after: 0, limit: 1000 })
  const [other] = await listEvents(app.database, { instance: 'many', after: 0, limit: 1 })
  await app.database.query('update events set at = 1 where id = $1', [all[0]?.id ?? ''])
  assert.equal(await forgetEvents(app.database, 3_600_000, 500), 1)
  for (const id of [all[0]?.id, other?.id, 'never', '']) {
    const stream = await open(app, id)
    const [reset] = await stream.events(1)
    assert.deepEqual([reset?.event, reset?.id], ['reset', all.at(-1)?.id])
    stream.leave()
  }
  assert.equal((await app.ask(PATH, { headers: { 'last-event-id': 'x'.repeat(201) } })).status, 400)
})

test('operations are shown as they go, and at their end', async (t) => {
  const app = await startSeeded(t)
  const stream = await open(app)
  const shownOf = (seen: readonly EventSourceMessage[]) =>
    seen
      .filter(({ event }) => event === 'operation')
      .map(({ data, id }) => ({ ...JSON.parse(data), id }))
      .filter(({ operationId }) => operationId === OPERATIONS.running)
  const until = (count: number) => stream.until((seen) => shownOf(seen).length >= count)
  await until(1)
  await noteProgress(app.database, RUNNING, { item: 0, ordinal: 0 }, { bytesDone: 700_000, phase: 'Downloading' })
  await until(2)
  await app.database.batch(endStatements(RUNNING, { status: 'Succeeded' }))
  assert.deepEqual(
    shownOf(await until(3)).map(({ status, bytesDone, files, id }) => [status, bytesDone, files, id]),
    [
      ['Running', 524_288, undefined, undefined],
      ['Running', 700_000, undefined, undefined],
      ['Succeeded', 700_000, undefined, undefined],
    ],
  )
  stream.leave()
  const later = await open(app)
  await noteProgress(app.database, RUNNING, { item: 0, ordinal: 0 }, { bytesDone: 1, phase: 'Downloading' })
  const [, first] = await later.events(2)
  assert.equal(
    JSON.parse(first?.data ?? '').operationId,
    OPERATIONS.runningManifestNotRead,
    'what was over is not shown',
  )
  later.leave()
})
