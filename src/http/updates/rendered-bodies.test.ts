import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRenderedBodies } from './rendered-bodies.ts'

test('bodies are kept as long as there is room, and the least recently used goes first', () => {
  const bodies = createRenderedBodies(160)
  const keep = (key: string) => assert.equal(bodies.keep(key, key.padEnd(10)), key.padEnd(10))
  const keys = Array.from({ length: 16 }, (_, index) => `key ${index}`)
  for (const key of keys) keep(key)
  assert.equal(bodies.find('key 0'), 'key 0     ')

  keep('one more')
  assert.equal(bodies.find('key 0'), 'key 0     ', 'it was used lately')
  assert.equal(bodies.find('key 1'), undefined, 'it had to go')
  assert.equal(bodies.find('key 2'), 'key 2     ')
})

test('a body that two made at the same time is kept once', () => {
  const bodies = createRenderedBodies(160)
  for (let i = 0; i < 100; i += 1) bodies.keep('same', 'x'.repeat(10))
  for (let i = 0; i < 15; i += 1) bodies.keep(`key ${i}`, 'x'.repeat(10))
  assert.equal(bodies.find('same'), 'x'.repeat(10))
})

test('a large body is answered, but not kept', () => {
  const bodies = createRenderedBodies(160)
  assert.equal(bodies.keep('large', 'x'.repeat(11)), 'x'.repeat(11))
  assert.equal(bodies.find('large'), undefined)
})
