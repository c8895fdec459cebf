import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { mistakesIn } from '../../../tests/support/check-document.ts'
import type { Instances } from '../../client/api-types.ts'
import { InstancesDocument } from './instances-route.ts'

test('a caller learns who it is, in which instances it has a role, and nothing of others', async () => {
  await using app = await startAppInMemory({ instances: ['green', 'blue'], closedInstances: ['other'] })
  const reader = await app.ask('/aduana/v1/instances', { role: 'DeviceUpdateContentReader' })
  assert.equal(reader.status, 200)
  assert.equal(reader.headers['cache-control'], 'no-store')
  const document = reader.json<Instances>()
  assert.deepEqual(mistakesIn(document, InstancesDocument), [])
  assert.deepEqual(document, {
    subject: 'DeviceUpdateContentReader',
    issuer: 'urn:tests',
    value: [
      { instance: 'green', permissions: ['updates/read'] },
      { instance: 'blue', permissions: ['updates/read'] },
    ],
    malwareScan: false,
  })
  const nobody = await app.ask('/aduana/v1/instances', { role: 'Nobody' })
  assert.deepEqual([nobody.status, nobody.json<Instances>().value], [200, []])
})

test('without a good token it tells nothing, and the refusal is in the audit log', async () => {
  await using app = await startAppInMemory()
  for (const role of ['', 'Nonsense']) assert.equal((await app.ask('/aduana/v1/instances', { role })).status, 401)
  assert.deepEqual(
    app.refusals.map(({ code, target, instance }) => ({ code, target, instance })),
    Array(2).fill({ code: 'Unauthenticated', target: 'GET instances', instance: '' }),
  )
})
