import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { openPostgresBell } from '../../src/adapters/postgres/bell-postgres.ts'
import { openPostgres } from '../../src/adapters/postgres/database-postgres.ts'
import { forEachLimited } from '../../src/services/for-each-limited.ts'
import { startWorker } from '../../src/services/operations/worker.ts'
import { createInstances } from '../../src/store/instances.ts'
import { endStatements } from '../../src/store/operations/attempts.ts'
import { recordOperation } from '../../src/store/operations/record-operation.ts'
import { newPostgresDatabase, sharedPostgres } from '../support/open-database.ts'
import { eventually } from '../support/operation-end.ts'
import { noPostgres } from '../support/postgres.ts'

const WORKERS = 10
const OPERATIONS = 1000
const INSTANCES = ['one', 'two', 'three']

test('a thousand operations by ten workers, each with connections of its own, are done once each', {
  skip: noPostgres,
}, async (context) => {
  const url = (await sharedPostgres()).url(await newPostgresDatabase())
  await using closing = new AsyncDisposableStack()
  const databases = Array.from({ length: WORKERS + 1 }, () => {
    const database = openPostgres(url)
    closing.defer(() => database.close())
    return database
  })
  const [front = openPostgres(url), ...behind] = databases
  await createInstances(front, INSTANCES)

  const done: { operationId: string; attempt: number; worker: number }[] = []
  const mistakes: unknown[] = []
  for (const [worker, database] of behind.entries()) {
    const bell = openPostgresBell(url)
    const log = {
      info() {},
      warn: (facts: object) => mistakes.push(facts),
      error: (facts: object) => mistakes.push(facts),
    }
    const { wake, stop } = startWorker({
      database,
      log,
      workers: () => WORKERS,
      async run(operation) {
        done.push({ operationId: operation.operationId, attempt: operation.attempt, worker })
        await database.batch(endStatements(operation, { status: 'Succeeded' }))
      },
    })
    bell.onRing(wake)
    closing.defer(() => bell.close())
    closing.defer(() => stop(1000))
  }

  const bell = openPostgresBell(url)
  closing.defer(() => bell.close())
  const begin = performance.now()
  const operations = Array.from({ length: OPERATIONS }, () => randomUUID())
  // More at once would be turned away on a slow machine, as they should be.
  const some = { limit: 40, signal: new AbortController().signal }
  await forEachLimited([...operations.entries()], some, async ([index, operationId]) => {
    const instance = INSTANCES[index % INSTANCES.length] ?? ''
    const entry = { action: 'import' as const, instance, address: '127.0.0.1', traceId: '0', operationId }
    await recordOperation(
      databases[index % databases.length] ?? front,
      { operationId, instance, request: { kind: 'import', inputs: [] }, requestedBy: 'a test', traceId: '0' },
      { audit: entry },
    )
    bell.ring()
  })
  await eventually('all are done', () => done.length >= OPERATIONS, 120_000)
  context.diagnostic(`${((performance.now() - begin) / 1000).toFixed(1)} s`)
  await eventually('all have ended', async () => {
    const [row] = await front.query('select count(*) as left from operations where due_at is not null')
    return row?.left === 0
  })

  assert.deepEqual(done.map(({ operationId }) => operationId).sort(), operations.toSorted())
  assert.deepEqual(mistakes, [])
  const shares = Array.from({ length: WORKERS }, (_, worker) => done.filter((one) => one.worker === worker).length)
  assert.ok(Math.min(...shares) > 0, `all had a share: ${shares}`)
  // What the database says of it: each was accepted once, handed out once, and ended.
  const rows = await front.query(
    `select o.attempt, o.status, count(*) as operations, count(distinct a.operation_id) as accepted
       from operations o join audit a on a.operation_id = o.id group by o.attempt, o.status`,
  )
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ attempt: 1, status: 'Succeeded', operations: OPERATIONS, accepted: OPERATIONS }],
  )
})
