import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createPartBuffers, type PartBuffer } from './part-buffers.ts'

test('whoever wants a buffer more than there are waits for its turn', async () => {
  const buffers = createPartBuffers({ count: 2, sizeInBytes: 10 })
  const [first, second] = [await buffers.take(100), await buffers.take(100)]
  const order: string[] = []
  const wait = async (name: string): Promise<PartBuffer> => {
    const buffer = await buffers.take(100)
    order.push(name)
    return buffer
  }
  const third = wait('third')
  const fourth = wait('fourth')
  await turn()
  assert.deepEqual(order, [])
  assert.ok(buffers.isWanted())

  first[Symbol.dispose]()
  first[Symbol.dispose]()
  assert.equal((await third).bytes.length, 10)
  await turn()
  assert.deepEqual(order, ['third'], 'to give back twice gives back once')
  second[Symbol.dispose]()
  await fourth
  assert.deepEqual(order, ['third', 'fourth'])
  assert.ok(!buffers.isWanted())
})

test('the memory of a buffer that nobody waits for is given back at once', async () => {
  const buffers = createPartBuffers({ count: 1, sizeInBytes: 10 })
  const buffer = await buffers.take(100)
  buffer[Symbol.dispose]()
  assert.equal(buffer.bytes.length, 0)
  assert.equal((await buffers.take(100)).bytes.length, 10)
})

test('what is small gets a small buffer', async () => {
  const buffers = createPartBuffers({ count: 1, sizeInBytes: 10 })
  assert.equal((await buffers.take(3)).bytes.length, 3)
})
