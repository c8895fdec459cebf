import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../../tests/support/open-database.ts'
import type { Database } from '../../ports/database.ts'
import { createInstances } from '../instances.ts'
import { claimOperation } from './attempts.ts'
import { countOperationsInProgress } from './operation-metrics.ts'
import { recordOperation } from './record-operation.ts'

let database: Database
before(async () => {
  database = await openDatabase()
  await createInstances(database, ['blue', 'green'])
})
after(() => database.close())

test('what has not ended is counted over all instances, with the age of the oldest', async () => {
  assert.deepEqual(await countOperationsInProgress(database), [])
  for (const [operationId, instance] of [
    ['a', 'blue'],
    ['b', 'green'],
    ['c', 'green'],
  ] as const) {
    await recordOperation(database, {
      operationId,
      instance,
      request: { kind: 'import', inputs: [] },
      requestedBy: 'tester',
      traceId: '0'.repeat(32),
    })
  }
  await database.query("update operations set created_at = created_at - 60000 where id = 'c'")
  await database.query("update operations set due_at = due_at - 60000 where id = 'a'")
  assert.equal((await claimOperation(database, 15_000))?.operationId, 'a')
  await database.query("update operations set status = 'Succeeded', due_at = null where id = 'b'")

  const found = await countOperationsInProgress(database)
  assert.deepEqual(found.map(({ kind, status, count }) => `${count} ${kind} ${status}`).sort(), [
    '1 import NotStarted',
    '1 import Running',
  ])
  const waiting = found.find(({ status }) => status === 'NotStarted')
  assert.ok(waiting !== undefined && waiting.oldestAgeMs >= 60_000 && waiting.oldestAgeMs < 90_000)
})
