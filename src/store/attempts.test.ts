import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../tests/support/open-database.ts'
import { claimOperation } from './attempts.ts'
import { createInstances } from './instances.ts'
import { recordOperation } from './operations.ts'

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
