import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../domain/errors.ts'
import type { ClaimedOperation } from '../../domain/operation.ts'
import { BatchConflict } from '../../ports/database.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { LostAttempt, Parked } from './attempt-end.ts'
import { countEnds } from './count-ends.ts'

const OPERATION: ClaimedOperation = {
  operationId: 'a',
  instance: 'default',
  request: { kind: 'delete', updateId: { provider: 'a', name: 'b', version: '1.0' } },
  attempt: 1,
  createdAt: 0,
  traceId: '0'.repeat(32),
}

const LOG = { info() {}, warn() {}, error() {} }

async function endsOf(run: (stop: AbortController) => Promise<void>): Promise<string[]> {
  const ends: string[] = []
  const metrics = { operationEnded: (end: object) => ends.push(Object.values(end).join(' ')) } as unknown as Metrics
  const stop = new AbortController()
  await countEnds(() => run(stop), metrics)(OPERATION, stop.signal, LOG).catch(() => {})
  return ends
}

test('an operation that ends is counted by how it ended', async () => {
  assert.deepEqual(await endsOf(async () => {}), ['delete Succeeded'])
  assert.deepEqual(await endsOf(() => Promise.reject(new AppError('UpdateInUse', 'It is in use.'))), ['delete Failed'])
  assert.deepEqual(await endsOf(() => Promise.reject(new Error('a mistake'))), ['delete Failed'])
})

test('an attempt that is parked or lost ends nothing', async () => {
  const lost = [new LostAttempt(), new BatchConflict('guard', 0)]
  for (const error of lost) assert.deepEqual(await endsOf(() => Promise.reject(error)), [])
  const parked = async (stop: AbortController) => {
    stop.abort(new Parked())
    throw new AppError('SourceUnreachable', 'An echo of the abort.')
  }
  assert.deepEqual(await endsOf(parked), [])
})
