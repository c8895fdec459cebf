import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { forEachLimited } from './for-each-limited.ts'

const NEVER = new AbortController().signal

test('every task is done once, and never more than the limit at a time', async () => {
  const done: number[] = []
  let running = 0
  let runningMost = 0
  const tasks = Array.from({ length: 20 }, (_, index) => index)
  await forEachLimited(tasks, { limit: 3, signal: NEVER }, async (task) => {
    running += 1
    runningMost = Math.max(runningMost, running)
    await tick()
    running -= 1
    done.push(task)
  })
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    tasks,
  )
  assert.equal(runningMost, 3)
})

test('no tasks are no work', async () => {
  await forEachLimited([], { limit: 3, signal: NEVER }, () => assert.fail('there is nothing to do'))
})

test('the first failure aborts the others, begins no more, and is thrown when all have stopped', async () => {
  const begun: string[] = []
  let stopped = 0
  const work = async (task: string, signal: AbortSignal) => {
    begun.push(task)
    if (task === 'bad') throw new Error('the first failure')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await tick()
    stopped += 1
    throw new Error('an echo of it')
  }
  const tasks = ['slow', 'slow too', 'bad', 'never begun']
  await assert.rejects(forEachLimited(tasks, { limit: 3, signal: NEVER }, work), { message: 'the first failure' })
  assert.equal(stopped, 2)
  assert.deepEqual(begun, ['slow', 'slow too', 'bad'])
})

test('the caller’s abort reaches the tasks and is thrown, also when they do not mind it', async () => {
  const caller = new AbortController()
  const begun: number[] = []
  const work = async (task: number, signal: AbortSignal) => {
    begun.push(task)
    caller.abort(new Error('the caller has enough'))
    assert.ok(signal.aborted)
  }
  const all = forEachLimited([1, 2, 3], { limit: 1, signal: caller.signal }, work)
  await assert.rejects(all, { message: 'the caller has enough' })
  assert.deepEqual(begun, [1])
})
