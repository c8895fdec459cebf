import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { startDuty } from './duties.ts'
import { join } from './membership.ts'

const QUICK = { reportEveryMs: 20, aliveMs: 400, dutyMs: 400 }
const log = {
  error(facts: object, message: string) {
    throw new Error(message, { cause: facts })
  },
}
const nodeOf = (node: string, runs: { isApi?: boolean; isWorker?: boolean } = {}) => ({
  node,
  isApi: true,
  isWorker: true,
  version: '1',
  ...runs,
})

async function openShared() {
  const database = await openDatabase()
  return database
}

/** Waits for what others have to notice; fails after a time that no slow machine needs. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await isSo()); await sleep(10)) assert.ok(Date.now() < end, String(isSo))
}

test('each node knows how many of each kind are alive, and that one has left', async () => {
  const database = await openShared()
  const first = await join(database, nodeOf('first'), log, QUICK)
  const second = await join(database, nodeOf('second', { isWorker: false }), log, QUICK)
  assert.deepEqual(second.live(), { api: 2, worker: 1 })
  await until(() => first.live().api === 2)
  await second.leave()
  await until(() => first.live().api === 1)
  await first.leave()
  assert.deepEqual(await database.query('select node from nodes'), [])
  await database.close()
})

test('a node that died without a word counts no longer after a while', async () => {
  const database = await openShared()
  await database.query(
    `insert into nodes (node, seen_at, is_api, is_worker, version)
     values ('dead', (select now_ms from clock), true, true, '1')`,
  )
  const alive = await join(database, nodeOf('alive'), log, QUICK)
  assert.equal(alive.live().worker, 2)
  await until(() => alive.live().worker === 1)
  await alive.leave()
  await database.close()
})

test('one node has a duty; another gets it when that one leaves, or asks no more', async () => {
  const database = await openShared()
  const first = await join(database, nodeOf('first'), log, QUICK)
  const second = await join(database, nodeOf('second'), log, QUICK)
  assert.equal(await first.takes('sweep'), true)
  assert.equal(await second.takes('sweep'), false)
  assert.equal(await first.takes('sweep'), true)
  assert.equal(await second.takes('another'), true)
  await until(() => second.takes('sweep'))
  assert.equal(await first.takes('sweep'), false)
  await second.leave()
  assert.equal(await first.takes('sweep'), true)
  await first.leave()
  await database.close()
})

test('a round runs on one node at a time', async () => {
  const database = await openShared()
  const rounds = { first: 0, second: 0 }
  let atOnce = 0
  let atOnceMax = 0
  const nodes = await Promise.all(
    (['first', 'second'] as const).map(async (name) => {
      const membership = await join(database, nodeOf(name), log, QUICK)
      const duty = startDuty('count', { membership, everyMs: 5, log }, async () => {
        rounds[name] += 1
        atOnce += 1
        atOnceMax = Math.max(atOnceMax, atOnce)
        await sleep(3)
        atOnce -= 1
      })
      return { name, duty, membership }
    }),
  )
  await until(() => rounds.first + rounds.second > 10)
  const [at, other] = rounds.first > 0 ? nodes : [...nodes].reverse()
  assert.equal(rounds[other!.name], 0)
  await at!.duty.stop()
  await at!.membership.leave()
  await until(() => rounds[other!.name] > 3)
  assert.equal(atOnceMax, 1)
  await other!.duty.stop()
  await other!.membership.leave()
  await database.close()
})
