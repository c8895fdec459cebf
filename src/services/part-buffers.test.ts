import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createPartBuffers, type PartBuffer } from './part-buffers.ts'

test('whoever wants a buffer more than there are waits for its turn', async () => {
  const buffers = createPartBuffers({ count: 2, sizeInBytes: 10 })
  const [first, second] = [await buffers.take(), await buffers.take()]
  const order: string[] = []
  const wait = async (name: string): Promise<PartBuffer> => {
    const buffer = await buffers.take()
    order.push(name)
    return buffer
  }
  const third = wait('third')
  const fourth = wait('fourth')
  await turn()
  assert.deepEqual(order, [])

  first[Symbol.dispose]()
  first[Symbol.dispose]()
  assert.equal((await third).bytes.length, 10)
  await turn()
  assert.deepEqual(order, ['third'], 'to give back twice gives back once')
  second[Symbol.dispose]()
  await fourth
  assert.deepEqual(order, ['third', 'fourth'])
})

test('the memory of a buffer that nobody waits for is given back at once', async () => {
  const buffers = createPartBuffers({ count: 1, sizeInBytes: 10 })
  const buffer = await buffers.take()
  buffer[Symbol.dispose]()
  assert.equal(buffer.bytes.length, 0)
  assert.equal((await buffers.take()).bytes.length, 10)
})
