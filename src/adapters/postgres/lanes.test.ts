import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import { openLanes } from './lanes.ts'

const BOUNDS = { lanesMax: 8, waitersMax: 100, waitMs: 5000 }

/** How many of these run at the same time at most. */
async function widthOf(lanes: ReturnType<typeof openLanes>, count: number): Promise<number> {
  let [running, most] = [0, 0]
  await Promise.all(
    Array.from({ length: count }, () =>
      lanes.run(async () => {
        running += 1
        most = Math.max(most, running)
        await sleep(2)
        running -= 1
      }),
    ),
  )
  return most
}

test('each collision halves the lanes, down to one, and what runs without any widens them again', async () => {
  const lanes = openLanes(BOUNDS)
  assert.equal(await widthOf(lanes, 20), 8)
  lanes.narrow()
  assert.equal(await widthOf(lanes, 8), 4)
  for (let times = 0; times < 10; times += 1) lanes.narrow()
  assert.equal(await widthOf(lanes, 3), 1)
  for (let times = 0; times < 4; times += 1) await widthOf(lanes, 50)
  assert.equal(await widthOf(lanes, 20), 8)
})

test('batches begin in the order in which they came, also after one that fails', async () => {
  const lanes = openLanes({ ...BOUNDS, lanesMax: 1 })
  const begun: number[] = []
  const ends = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      lanes.run(async () => {
        begun.push(index)
        if (index % 3 === 0) throw new Error('no')
      }),
    ),
  )
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.equal(ends.filter(({ status }) => status === 'rejected').length, 4)
})

test('who waits for too long, and who comes when too many wait, is told so', async () => {
  const lanes = openLanes({ lanesMax: 1, waitersMax: 2, waitMs: 50 })
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  const first = lanes.run(() => over)
  const refused = (error: unknown) => error instanceof AppError && error.code === 'DatabaseFailed'
  const late = [1, 2].map(() =>
    assert.rejects(
      lanes.run(async () => {}),
      refused,
    ),
  )
  await assert.rejects(
    lanes.run(async () => {}),
    refused,
  )
  await Promise.all(late)
  end()
  await first
  await lanes.run(async () => {})
})
