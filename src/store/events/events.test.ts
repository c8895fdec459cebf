import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { OPERATIONS, SENSOR, seedEveryState } from '../../../tests/support/seed-every-state.ts'
import type { Database } from '../../ports/database.ts'
import { recordVerdict } from '../blobs/verdicts.ts'
import { createInstances } from '../instances.ts'
import {
  countWaitingEvents,
  findEventNumber,
  findNewestEvent,
  forgetEvents,
  listEvents,
  numberEvents,
} from './events.ts'

let database: Database
before(async () => {
  database = await openDatabase()
  await createInstances(database, ['default', 'many'])
  await seedEveryState(database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
})
after(() => database.close())

const all = (instance = 'default') => listEvents(database, { instance, after: 0, limit: 1000 })

describe('events', () => {
  test('wait for their numbers, and are told to nobody before', async () => {
    assert.deepEqual(await all(), [])
    assert.equal(await findNewestEvent(database, 'default'), undefined)
    const { count, oldestAgeMs } = await countWaitingEvents(database)
    assert.ok(count > 100)
    assert.ok(oldestAgeMs >= 0)
    assert.equal(await numberEvents(database, 10), 10)
    while ((await numberEvents(database, 50)) > 0);
    assert.deepEqual(await countWaitingEvents(database), { count: 0, oldestAgeMs: 0 })
    const [row] = await database.query(
      'select count(*) as count, min(number) as first, max(number) as last from events',
    )
    assert.deepEqual({ ...row }, { count, first: 1, last: count }, 'without a gap')
  })

  test('tell of every operation that it was accepted, what it did and how it ended, in this order', async () => {
    const events = await all()
    const of = (operationId: string) =>
      events
        .filter((event) => event.operationId === operationId)
        .map(({ type, updateId }) => `${type.slice(7)}${updateId ? ` ${updateId.name} ${updateId.version}` : ''}`)
    assert.deepEqual(of(OPERATIONS.succeededThenDeleted), [
      'operation.accepted',
      'update.imported Gone 1.0',
      'operation.succeeded Gone 1.0',
    ])
    assert.deepEqual(of(OPERATIONS.deleteSucceeded), [
      'operation.accepted Gone 1.0',
      'update.deleted Gone 1.0',
      'operation.succeeded Gone 1.0',
    ])
    assert.deepEqual(of(OPERATIONS.succeededParentAndChild).slice(0, 1), ['operation.accepted'])
    assert.deepEqual(of(OPERATIONS.succeededParentAndChild).slice(1, 3).sort(), [
      'update.imported Components 1.0',
      'update.imported Sensor 1.0',
    ])
    assert.deepEqual(of(OPERATIONS.deleteFailed), ['operation.accepted Sensor 1.0', 'operation.failed Sensor 1.0'])
    assert.deepEqual(of(OPERATIONS.notStarted), ['operation.accepted'])
    assert.equal((await all('many')).filter(({ type }) => type === 'aduana.update.imported').length, 101)
  })

  test('say why an operation failed', async () => {
    const failed = (await all()).find(
      ({ operationId, type }) => operationId === OPERATIONS.failedFile && type === 'aduana.operation.failed',
    )
    assert.deepEqual(failed?.facts.error, {
      code: 'CannotProcessUpdateFile',
      message: 'Error processing source file.',
      target: 'toaster.swu',
      innererror: {
        code: 'HashMismatch',
        message: 'toaster.swu has another SHA-256 than the manifest says.',
      },
    })
  })

  test('tell of every update that is found infected, once', async () => {
    const before = (await findNewestEvent(database, 'default'))?.number ?? 0
    const [row] = await database.query(
      `select f.sha256 from files f join updates u on u.id = f.update_id where u.instance = 'default' and u.name = $1`,
      [SENSOR.name],
    )
    const infected = { kind: 'Infected', name: 'EICAR', signatures: 'ClamAV 1' } as const
    await recordVerdict(database, String(row?.sha256), infected)
    await recordVerdict(database, String(row?.sha256), { ...infected, signatures: 'ClamAV 2' })
    while ((await numberEvents(database, 500)) > 0);
    const events = await listEvents(database, { instance: 'default', after: before, limit: 1000 })
    assert.ok(events.every(({ type }) => type === 'aduana.update.infected'))
    const names = events.map(({ updateId }) => JSON.stringify(updateId))
    assert.equal(new Set(names).size, names.length)
    assert.ok(names.includes(JSON.stringify(SENSOR)))
    assert.deepEqual(events[0]?.facts, { malware: 'EICAR', sha256: String(row?.sha256) })
  })

  test('are found by their ids, in their own instance only', async () => {
    const [first] = await all()
    assert.equal(await findEventNumber(database, 'default', first?.id ?? ''), first?.number)
    assert.equal(await findEventNumber(database, 'many', first?.id ?? ''), undefined)
    assert.equal(await findEventNumber(database, 'default', 'x'), undefined)
  })

  test('are forgotten from the oldest on, but never the newest', async () => {
    assert.equal(await forgetEvents(database, 3_600_000, 500), 0)
    const [{ id = '' } = {}] = await all()
    await database.query('update events set at = at - 7200000')
    assert.equal(await forgetEvents(database, 3_600_000, 5), 5)
    assert.equal(await findEventNumber(database, 'default', id), undefined)
    while ((await forgetEvents(database, 3_600_000, 500)) > 0);
    const rows = await database.query('select number from events')
    assert.equal(rows.length, 1)
    const last = Number(rows[0]?.number)
    await database.query(
      `insert into events (id, instance, type, at, step, facts) values ('late', 'default', 'aduana.update.imported', 1, 0, '{}')`,
    )
    await numberEvents(database, 10)
    assert.equal(await findEventNumber(database, 'default', 'late'), last + 1)
  })
})
