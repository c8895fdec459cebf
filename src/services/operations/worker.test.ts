import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { serveBytes } from '../../../tests/support/misbehaving-source.ts'
import { eventually } from '../../../tests/support/operation-end.ts'
import { asImportInput, publishUpdate, requestsFor } from '../../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { AppError } from '../../domain/errors.ts'
import type { ClaimedOperation } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import { endStatements, releaseLease } from '../../store/operations/attempts.ts'
import { findOperation } from '../../store/operations/operations.ts'
import { listUpdates } from '../../store/updates/updates.ts'
import { runImport } from '../importing/run-import.ts'
import { startWorker, type WorkerOptions } from './worker.ts'

const UPDATE_ID = { provider: 'Contoso', name: 'Toaster', version: '1.0' }
const QUICK = { leaseMs: 60_000, renewEveryMs: 40, pollEveryMs: 10 }

/** A worker that keeps what it logs. It stops at once when disposed of. */
function work({ database }: Pipeline, options: Partial<WorkerOptions> & Pick<WorkerOptions, 'run'>) {
  const lines: { message: string; facts: object }[] = []
  const write = (facts: object, message: string) => void lines.push({ facts, message })
  const worker = startWorker({ database, log: { info: write, warn: write, error: write }, ...QUICK, ...options })
  return {
    ...worker,
    lines,
    logged: (message: string) => lines.some((line) => line.message === message),
    [Symbol.asyncDispose]: () => worker.stop(0),
  }
}

/** Does nothing, and ends the operation well. */
function succeed(database: Database, operation: ClaimedOperation): Promise<void> {
  return database.batch(endStatements(operation, { status: 'Succeeded' }))
}

function recordDeletion(pipeline: Pipeline): Promise<string> {
  return pipeline.record({ kind: 'delete', updateId: UPDATE_ID })
}

async function statusOf({ database }: Pipeline, operationId: string): Promise<string | undefined> {
  return (await findOperation(database, 'default', operationId))?.status
}

test('two workers on one database run each operation exactly once', async () => {
  await using pipeline = await startPipeline()
  const operations = await Promise.all(Array.from({ length: 60 }, () => recordDeletion(pipeline)))
  const runs: string[] = []
  const counts = [0, 0]
  const runAs = (worker: 0 | 1) => async (operation: ClaimedOperation) => {
    runs.push(operation.operationId)
    counts[worker] = (counts[worker] ?? 0) + 1
    await delay(5)
    await succeed(pipeline.database, operation)
  }
  await using one = work(pipeline, { run: runAs(0), operationsMax: 4 })
  await using other = work(pipeline, { run: runAs(1), operationsMax: 4 })
  await eventually('all have run', async () => runs.length >= operations.length)
  await Promise.all([one.stop(1000), other.stop(1000)])
  assert.deepEqual(runs.toSorted(), operations.toSorted())
  assert.ok(
    counts.every((count) => count > 0),
    `both had a share: ${counts}`,
  )
})

test('never more operations run at the same time than allowed', async () => {
  await using pipeline = await startPipeline()
  let [running, runningMost, done] = [0, 0, 0]
  for (let count = 0; count < 8; count += 1) await recordDeletion(pipeline)
  await using _worker = work(pipeline, {
    operationsMax: 3,
    async run(operation) {
      running += 1
      runningMost = Math.max(runningMost, running)
      await delay(10)
      running -= 1
      done += 1
      await succeed(pipeline.database, operation)
    },
  })
  await eventually('all have run', () => done === 8)
  assert.equal(runningMost, 3)
})

test('a lease that is renewed is not taken over, however long the work takes', async () => {
  await using pipeline = await startPipeline()
  const operationId = await recordDeletion(pipeline)
  let runs = 0
  const run = async (operation: ClaimedOperation) => {
    runs += 1
    await delay(1200)
    await succeed(pipeline.database, operation)
  }
  await using _one = work(pipeline, { run, leaseMs: 1000 })
  await using _other = work(pipeline, { run, leaseMs: 1000 })
  await eventually('it ends', async () => (await statusOf(pipeline, operationId)) === 'Succeeded')
  assert.equal(runs, 1)
})

test('an attempt that lost its lease publishes nothing; the one that has it does', async () => {
  await using pipeline = await startPipeline()
  const { database, blobs, openSource, source } = pipeline
  const bytes = Buffer.from('asked for twice')
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>()
  let asked = 0
  const { input, paths } = publishUpdate(source, {
    files: [
      {
        name: 'a.bin',
        bytes,
        // The first attempt waits until the second one has ended.
        behaviour: (request, response) => {
          asked += 1
          const ready = asked === 1 ? isFree : Promise.resolve()
          ready.then(() => serveBytes(bytes)(request, response))
        },
      },
    ],
  })
  const operationId = await pipeline.record({ kind: 'import', inputs: [asImportInput(input)] })
  const run: WorkerOptions['run'] = async (operation) => {
    if (operation.request.kind !== 'import') return
    // The worker's signal is left out: a process that hung for a while does not hear it either.
    const { signal } = new AbortController()
    await runImport(operation, operation.request, {
      database,
      blobs,
      openSource,
      limits: {},
      scan: { mode: 'required' },
      signal,
    })
  }
  await using slow = work(pipeline, { run, operationsMax: 1, renewEveryMs: 60_000, leaseMs: 50 })
  await eventually('the first attempt waits', () => asked === 1)
  await using quick = work(pipeline, { run })
  await eventually('the second attempt ends', async () => (await statusOf(pipeline, operationId)) === 'Succeeded')
  const before = await findOperation(database, 'default', operationId)
  free()
  await eventually('the first attempt notices', () => slow.logged('operation lost to another attempt'))

  assert.ok(quick.logged('operation succeeded'))
  assert.equal(requestsFor(source, paths.get('a.bin')), 2)
  assert.deepEqual(await findOperation(database, 'default', operationId), before)
  assert.equal((await listUpdates(database, { instance: 'default', limit: 10 })).items.length, 1)
  assert.deepEqual(await database.query('select * from blob_holds'), [])
})

test('a worker that finds its lease gone aborts the attempt', async () => {
  await using pipeline = await startPipeline()
  const operationId = await recordDeletion(pipeline)
  const { promise: aborted, resolve } = Promise.withResolvers<unknown>()
  await using worker = work(pipeline, {
    run: (_operation, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          resolve(signal.reason)
          reject(signal.reason)
        })
      }),
  })
  await eventually('it runs', async () => (await statusOf(pipeline, operationId)) === 'Running')
  await pipeline.database.query('update operations set attempt = attempt + 1 where id = $1', [operationId])
  assert.equal(((await aborted) as Error).name, 'LostAttempt')
  await eventually('it is told', () => worker.logged('operation lost to another attempt'))
  assert.equal(await statusOf(pipeline, operationId), 'Running', 'for whoever has it now')
})

test('an error of the product fails the operation with its code; a mistake does so without telling its text', async () => {
  await using pipeline = await startPipeline()
  const operations = [await recordDeletion(pipeline), await recordDeletion(pipeline)]
  const errors = [new AppError('UpdateNotFound', 'It is gone.'), new TypeError('secret of the house')]
  await using worker = work(pipeline, {
    run: async ({ operationId }) => {
      throw errors[operations.indexOf(operationId)]
    },
  })
  const ended = async (operationId = '') => {
    await eventually('it fails', async () => (await statusOf(pipeline, operationId)) === 'Failed')
    return findOperation(pipeline.database, 'default', operationId)
  }
  const [product, mistake] = [await ended(operations[0]), await ended(operations[1])]
  assert.equal(product?.error?.code, 'UpdateNotFound')
  assert.equal(product?.error?.message, 'It is gone.')
  assert.equal(mistake?.error?.code, 'InternalError')
  assert.doesNotMatch(JSON.stringify(mistake), /secret/)
  assert.ok(worker.logged('operation failed by a mistake in Aduana'))
  const kept = await pipeline.database.query('select request, due_at from operations')
  assert.deepEqual(
    kept.map(({ request, due_at }) => [request, due_at]),
    [
      [null, null],
      [null, null],
    ],
    'the request is wiped, and nobody will take it up again',
  )
})

test('a stopping worker takes no more, waits for the grace, and parks the rest for the next one', async () => {
  await using pipeline = await startPipeline()
  const operationId = await recordDeletion(pipeline)
  const first = work(pipeline, {
    run: (_operation, signal) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('an echo'))))
    },
  })
  await eventually('it runs', async () => (await statusOf(pipeline, operationId)) === 'Running')
  const stopped = first.stop(50)
  const waiting = await recordDeletion(pipeline)
  await stopped
  assert.ok(first.logged('operation parked'))
  assert.equal(await statusOf(pipeline, operationId), 'Running')
  assert.equal(await statusOf(pipeline, waiting), 'NotStarted')

  await using _second = work(pipeline, { run: (operation) => succeed(pipeline.database, operation) })
  for (const id of [operationId, waiting]) {
    await eventually('the next worker ends it', async () => (await statusOf(pipeline, id)) === 'Succeeded')
  }
})

test('where much waits, several are claimed at once, and a claim that fails costs none of those beside it', async () => {
  await using pipeline = await startPipeline()
  const { database } = pipeline
  const operations: string[] = []
  for (let count = 0; count < 7; count += 1) operations.push(await recordDeletion(pipeline))
  let [asked, asking, askingMost] = [0, 0, 0]
  const slow: Database = {
    ...database,
    async query(sql, params) {
      asked += 1
      asking += 1
      askingMost = Math.max(askingMost, asking)
      // One of the two that are asked together after the first.
      const isAway = asked === 2
      await delay(20)
      asking -= 1
      if (isAway) throw new Error('away')
      return await database.query(sql, params)
    },
  }
  const ran: string[] = []
  await using worker = work(pipeline, {
    database: slow,
    leaseMs: 60_000,
    async run(operation) {
      ran.push(operation.operationId)
      await succeed(database, operation)
    },
  })
  await eventually('all have run', () => ran.length >= operations.length)
  assert.deepEqual(ran.toSorted(), operations.toSorted())
  assert.ok(worker.logged('cannot claim operations'))
  assert.ok(askingMost > 1, `${askingMost} at once`)
})

test('work that comes while a worker looks for work is not left to the next poll', async () => {
  await using pipeline = await startPipeline()
  const { database } = pipeline
  // A database on another machine takes its time to say that there is nothing to do.
  const slow: Database = {
    ...database,
    async query(sql, params) {
      const rows = await database.query(sql, params)
      await delay(50)
      return rows
    },
  }
  await using worker = work(pipeline, {
    database: slow,
    run: (operation) => succeed(database, operation),
    pollEveryMs: 60_000,
  })
  const operationId = await recordDeletion(pipeline)
  worker.wake()
  await eventually('it runs', async () => (await statusOf(pipeline, operationId)) === 'Succeeded', 5000)
})

test('a database that is away for a while does not stop the worker', async () => {
  await using pipeline = await startPipeline()
  const { database } = pipeline
  let isAway = true
  const flaky: Database = {
    ...database,
    query: (sql, params) => (isAway ? Promise.reject(new Error('away')) : database.query(sql, params)),
  }
  const operationId = await recordDeletion(pipeline)
  await using worker = work(pipeline, { database: flaky, run: (operation) => succeed(database, operation) })
  await eventually('it is told', () => worker.logged('cannot claim operations'))
  isAway = false
  await eventually('it goes on', async () => (await statusOf(pipeline, operationId)) === 'Succeeded')
})

test('an import that the database interrupts does not fail: the next attempt goes on with it', async () => {
  await using pipeline = await startPipeline()
  const update = publishUpdate(pipeline.source, { files: [{ name: 'a.bin', bytes: Buffer.from('some bytes') }] })
  const inputs = [asImportInput(update.input)]
  const operationId = await pipeline.record({ kind: 'import', inputs })
  // At every call in turn, until an attempt gets through.
  let calls = 0
  let attempts = 0
  const failing: Database = {
    ...pipeline.database,
    query: (sql, params) =>
      !isNews(params) && fails() ? Promise.reject(away()) : pipeline.database.query(sql, params),
    batch: (statements) => (fails() ? Promise.reject(away()) : pipeline.database.batch(statements)),
  }
  const away = () => new AppError('DatabaseFailed', 'The database cannot be used: a test.', { mayRecover: true })
  // An attempt bears that these fail.
  const isNews = (params: readonly unknown[] = []) => params.includes('Downloading')
  const fails = () => {
    calls += 1
    return calls === attempts
  }
  await using worker = work(pipeline, {
    async run(operation, signal) {
      calls = 0
      attempts = operation.attempt
      const context = { ...pipeline, database: failing, limits: {}, scan: { mode: 'required' as const }, signal }
      try {
        await runImport(operation, { inputs }, context)
      } catch (error) {
        // As if the lease had come to its end.
        await releaseLease(pipeline.database, operation)
        throw error
      }
    },
  })
  const hasEnded = async () => (await statusOf(pipeline, operationId)) !== 'Running' && attempts > 0
  await eventually('it has ended', hasEnded, 240_000)
  assert.equal(await statusOf(pipeline, operationId), 'Succeeded')
  assert.ok(attempts > 7, `${attempts} attempts`)
  assert.ok(worker.logged('operation interrupted by the database'))
})

test('what runs when the database goes away for longer than a lease is not claimed again when it is back', async () => {
  await using pipeline = await startPipeline()
  const { database } = pipeline
  let isAway = false
  const ifThere = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (isAway) throw new AppError('DatabaseFailed', 'The database cannot be used: a test.', { mayRecover: true })
    return await ask()
  }
  const flaky: Database = {
    ...database,
    query: (sql, params) => ifThere(() => database.query(sql, params)),
    batch: (statements) => ifThere(() => database.batch(statements)),
  }
  const attempts: number[] = []
  const { promise: isDone, resolve: finish } = Promise.withResolvers<void>()
  const options = {
    database: flaky,
    leaseMs: 500,
    renewEveryMs: 100,
    pollEveryMs: 50,
    async run(operation: ClaimedOperation) {
      attempts.push(operation.attempt)
      await isDone
      await succeed(database, operation)
    },
  }
  const operationId = await recordDeletion(pipeline)
  await using one = work(pipeline, options)
  await using other = work(pipeline, options)
  await eventually('it runs', () => attempts.length === 1)
  for (let outage = 0; outage < 3; outage += 1) {
    isAway = true
    await delay(700)
    isAway = false
    await delay(300)
  }
  finish()
  await eventually('it ends', async () => (await statusOf(pipeline, operationId)) === 'Succeeded')
  assert.deepEqual(attempts, [1])
  assert.ok(one.logged('cannot claim operations') && other.logged('cannot claim operations'))
})
