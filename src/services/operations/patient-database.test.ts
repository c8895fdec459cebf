import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import { BatchConflict, type Database } from '../../ports/database.ts'
import { Parked } from './attempt-end.ts'
import { patientDatabase } from './patient-database.ts'

const away = () => new AppError('DatabaseFailed', 'The database cannot be used: a test.', { mayRecover: true })

/** A database that is away for the first `failures` calls, or fails with something else. */
function failing(failures: number, error: () => Error = away) {
  let calls = 0
  const call = async <T>(answer: T): Promise<T> => {
    calls += 1
    if (calls <= failures) throw error()
    return answer
  }
  const database: Database = { query: () => call([{ one: 1 }]), batch: () => call(undefined), async close() {} }
  return { database, calls: () => calls }
}

function patient({ database }: { database: Database }, patienceMs = 60_000, signal = new AbortController().signal) {
  const warnings: string[] = []
  const log = { warn: (_facts: object, message: string) => void warnings.push(message) }
  return { ...patientDatabase(database, { signal, log, patienceMs }), warnings }
}

test('a database that comes back is asked again, and the log says once what is waited for', async () => {
  for (const ask of ['query', 'batch'] as const) {
    const flaky = failing(2)
    const database = patient(flaky)
    const answer = ask === 'query' ? await database.query('select 1 as one') : await database.batch([])
    assert.deepEqual(answer, ask === 'query' ? [{ one: 1 }] : undefined)
    assert.equal(flaky.calls(), 3)
    assert.deepEqual(database.warnings, ['an operation waits for the database'])
  }
})

test('a database that does not come back is waited for no longer than that', async () => {
  const begin = performance.now()
  await assert.rejects(patient(failing(Number.POSITIVE_INFINITY), 300).query('select 1'), { code: 'DatabaseFailed' })
  const ms = performance.now() - begin
  assert.ok(ms >= 300 && ms < 2000, `${ms} ms`)
})

test('what another try would not change is thrown at once', async () => {
  for (const error of [new BatchConflict('guard', 0), new TypeError('a mistake')]) {
    const flaky = failing(1, () => error)
    await assert.rejects(patient(flaky).batch([]), error)
    assert.equal(flaky.calls(), 1)
  }
})

test('nobody waits who is told to stop', async () => {
  const stopping = new AbortController()
  const flaky = failing(Number.POSITIVE_INFINITY)
  const asking = patient(flaky, 60_000, stopping.signal).query('select 1')
  asking.catch(() => {})
  await delay(50)
  stopping.abort(new Parked())
  const begin = performance.now()
  await assert.rejects(asking, Parked)
  assert.ok(performance.now() - begin < 200)
})
