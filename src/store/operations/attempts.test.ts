import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { createInstances } from '../instances.ts'
import { claimOperation } from './attempts.ts'
import { recordOperation } from './record-operation.ts'

test('who waits behind a bulk import of others gets the next place, and nobody waits for ever', async () => {
  const database = await openDatabase()
  await createInstances(database, ['bulk', 'heap', 'little'])
  const record = (instance: string, operationId: string) =>
    recordOperation(database, {
      operationId,
      instance,
      request: { kind: 'delete', updateId: { provider: 'p', name: 'n', version: '1' } },
      requestedBy: 's',
      traceId: 't',
    })
  for (let i = 0; i < 10; i += 1) await record('bulk', `bulk-${i}`)
  for (let i = 0; i < 10; i += 1) await record('heap', `heap-${i}`)
  const claim = async () => (await claimOperation(database, 60_000, 4))?.operationId
  assert.deepEqual(
    [await claim(), await claim(), await claim(), await claim()],
    ['bulk-0', 'heap-0', 'bulk-1', 'heap-1'],
  )
  await record('little', 'little-0')
  assert.equal(await claim(), 'little-0')
  assert.deepEqual(
    [await claim(), await claim(), await claim(), await claim(), await claim()],
    ['bulk-2', 'heap-2', 'bulk-3', 'heap-3', undefined],
    'four of an instance run at most',
  )
  await database.close()
})

test('who claims an operation learns by which request it was asked for, if by one', async () => {
  const database = await openDatabase()
  await createInstances(database, ['default'])
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = `00-${traceId}-b7ad6b7169203331-01`
  const request = { kind: 'delete', updateId: { provider: 'p', name: 'n', version: '1' } } as const
  const operation = { instance: 'default', request, requestedBy: 's', traceId }
  await recordOperation(database, { ...operation, operationId: 'traced', traceparent })
  await recordOperation(database, { ...operation, operationId: 'untraced' })
  const claimed = new Map<string | undefined, (string | undefined)[]>()
  for (let i = 0; i < 2; i += 1) {
    const attempt = await claimOperation(database, 60_000)
    claimed.set(attempt?.operationId, [attempt?.traceId, attempt?.traceparent])
  }
  assert.deepEqual(claimed.get('traced'), [traceId, traceparent])
  assert.deepEqual(claimed.get('untraced'), [traceId, undefined])
  await database.close()
})
