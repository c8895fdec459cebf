import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../../tests/support/operation-end.ts'
import { createProgressNews } from './progress-news.ts'

test('what is over at once is not told, nor anything after the end', async () => {
  const told: number[] = []
  const news = createProgressNews(async (bytesDone) => void told.push(bytesDone))
  news.tell(1)
  await news.end()
  news.tell(2)
  await sleep(300)
  assert.deepEqual(told, [])
})

test('of what stands still the last is told', async () => {
  const told: number[] = []
  const news = createProgressNews(async (bytesDone) => void told.push(bytesDone))
  for (const bytesDone of [1, 2, 3]) news.tell(bytesDone)
  await eventually('the first news', () => told.length === 1)
  news.tell(4)
  await eventually('the last news', () => told.length === 2)
  assert.deepEqual(told, [3, 4])
  await news.end()
})

test('the end waits for what is being told, and nothing follows', async () => {
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>()
  const told: number[] = []
  const news = createProgressNews(async (bytesDone) => {
    told.push(bytesDone)
    await isFree
  })
  news.tell(1)
  await eventually('it is being told', () => told.length === 1)
  news.tell(2)
  let hasEnded = false
  const ending = news.end().then(() => {
    hasEnded = true
  })
  await sleep(50)
  assert.equal(hasEnded, false)
  free()
  await ending
  await sleep(1200)
  assert.deepEqual(told, [1])
})
