import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createSlots } from './slots.ts'

const forever = () => new AbortController().signal

test('no more than the count are in at the same time, and the others follow in their order', async () => {
  const slots = createSlots(2)
  const order: number[] = []
  let inside = 0
  let most = 0
  await Promise.all(
    [0, 1, 2, 3, 4].map(async (number) => {
      const giveBack = await slots.take(forever())
      order.push(number)
      inside += 1
      most = Math.max(most, inside)
      await nextTurn()
      inside -= 1
      giveBack()
    }),
  )
  assert.deepEqual(order, [0, 1, 2, 3, 4])
  assert.equal(most, 2)
})

test('a slot given back twice makes room only once', async () => {
  const slots = createSlots(1)
  const giveBack = await slots.take(forever())
  giveBack()
  giveBack()
  await slots.take(forever())
  let isIn = false
  slots.take(forever()).then(() => {
    isIn = true
  })
  await nextTurn()
  assert.equal(isIn, false)
})

test('who is called off while waiting takes no slot', async () => {
  const slots = createSlots(1)
  const giveBack = await slots.take(forever())
  const controller = new AbortController()
  const reason = new Error('enough')
  const calledOff = assert.rejects(slots.take(controller.signal), reason)
  const next = slots.take(forever())
  controller.abort(reason)
  await calledOff
  giveBack()
  await next
  await assert.rejects(slots.take(controller.signal), reason)
})
