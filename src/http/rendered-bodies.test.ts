import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRenderedBodies } from './rendered-bodies.ts'

test('a body is rendered once as long as it is kept, and the least recently used goes first', async () => {
  const bodies = createRenderedBodies(160)
  const rendered: string[] = []
  const get = (key: string) =>
    bodies.get(key, async () => {
      rendered.push(key)
      return key.padEnd(10)
    })
  const keys = Array.from({ length: 16 }, (_, index) => `key ${index}`)
  for (const key of keys) await get(key)
  assert.equal(await get('key 0'), 'key 0     ')
  assert.equal(rendered.length, 16)

  await get('one more')
  await get('key 0')
  assert.equal(rendered.length, 17, 'key 0 was used lately')
  await get('key 1')
  assert.equal(rendered.length, 18, 'key 1 had to go')
})

test('a large body is answered, but not kept', async () => {
  const bodies = createRenderedBodies(160)
  let rendered = 0
  const get = () =>
    bodies.get('large', async () => {
      rendered += 1
      return 'x'.repeat(11)
    })
  assert.equal((await get()).length, 11)
  await get()
  assert.equal(rendered, 2)
})

test('a body that cannot be rendered is tried again', async () => {
  const bodies = createRenderedBodies()
  await assert.rejects(bodies.get('key', () => Promise.reject(new Error('gone'))))
  assert.equal(await bodies.get('key', async () => 'there'), 'there')
})
