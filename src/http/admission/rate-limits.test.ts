import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRateLimiter } from './rate-limits.ts'

test('a minute’s worth passes at once, then one after another', () => {
  let now = 0
  const limiter = createRateLimiter({ requests: 60 }, { now: () => now })
  for (let i = 0; i < 60; i += 1) assert.equal(limiter.take('blue', 'requests'), undefined)
  assert.equal(limiter.take('blue', 'requests'), 1)
  now += 1000
  assert.equal(limiter.take('blue', 'requests'), undefined)
  assert.equal(limiter.take('blue', 'requests'), 1)
})

test('an instance does not pay for another, nor a group for another', () => {
  const limiter = createRateLimiter({ requests: 1, 'list-operations': 1 }, { now: () => 0 })
  assert.equal(limiter.take('blue', 'requests'), undefined)
  assert.equal(limiter.take('green', 'requests'), undefined)
  assert.equal(limiter.take('blue', 'list-operations'), undefined)
  assert.equal(limiter.take('blue', 'requests'), 60)
})

test('without a rate everything passes', () => {
  const limiter = createRateLimiter({})
  for (let i = 0; i < 10_000; i += 1) assert.equal(limiter.take('blue', 'requests'), undefined)
})

test('nodes that answer together share the rate, also when their number changes', () => {
  let nodes = 2
  const limiter = createRateLimiter({ requests: 60 }, { now: () => 0, nodes: () => nodes })
  const passed = () => {
    let count = 0
    while (limiter.take('blue', 'requests') === undefined) count += 1
    return count
  }
  assert.equal(passed(), 30)
  nodes = 4
  assert.equal(passed(), 0)
})
