import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { createOwnEndpoints } from './own-endpoints.ts'
import { createSourcePolicy, parseAllowedSource } from './source-policy.ts'

test('a port of this server is its own on every address of the machine, in any spelling', () => {
  const own = createOwnEndpoints()
  own.add({ port: 8480 })
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found?.map(({ address }) => address) ?? [])
  for (const address of ['127.0.0.1', '127.3.2.1', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1', ...addresses]) {
    assert.ok(own.includes(address, 8480), address)
    assert.equal(own.includes(address, 8481), false, address)
  }
  assert.equal(own.includes('203.0.113.7', 8480), false)
})

test('an endpoint with an address is its own only there', () => {
  const own = createOwnEndpoints()
  own.add({ address: '10.0.0.5', port: 3310 })
  assert.ok(own.includes('10.0.0.5', 3310))
  assert.ok(own.includes('::ffff:10.0.0.5', 3310))
  assert.equal(own.includes('10.0.0.6', 3310), false)
})

test('even an allowed range does not lead back to the server', () => {
  const own = createOwnEndpoints()
  own.add({ port: 8480 })
  const policy = createSourcePolicy([parseAllowedSource('127.0.0.0/8'), parseAllowedSource('localhost')], own)
  const judged = policy.judge({ hostname: 'localhost', port: 8480, addresses: ['127.0.0.1', '::1'] })
  assert.deepEqual(judged.allowed, [])
  assert.match(judged.refused[0]?.kind ?? '', /this server/)
  assert.deepEqual(policy.judge({ hostname: '127.0.0.1', port: 9000, addresses: ['127.0.0.1'] }).allowed, ['127.0.0.1'])
})
