import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newPostgresDatabase, sharedPostgres } from '../../../tests/support/open-database.ts'
import { eventually } from '../../../tests/support/operation-end.ts'
import { noPostgres } from '../../../tests/support/postgres.ts'
import { startTcpProxy } from '../../../tests/support/tcp-proxy.ts'
import type { Bell } from '../../ports/bell.ts'
import { openPostgresBell, type PostgresBellOptions } from './bell-postgres.ts'

const options = { skip: noPostgres }

/** A bell that counts what it hears. */
function listenTo(bell: Bell) {
  const heard = { times: 0 }
  bell.onRing(() => {
    heard.times += 1
  })
  return heard
}

async function openBells(count: number, more: PostgresBellOptions = {}, through?: { port: number }) {
  const server = await sharedPostgres()
  const url = new URL(server.url(await newPostgresDatabase()))
  const target = Number(url.port)
  if (through !== undefined) url.port = String(through.port)
  const bells = Array.from({ length: count }, () => {
    const bell = openPostgresBell(url.href, more)
    return { bell, heard: listenTo(bell) }
  })
  // Each rings once when it is connected.
  await eventually('all are connected', () => bells.every(({ heard }) => heard.times > 0))
  await sleep(20)
  for (const { heard } of bells) heard.times = 0
  return { bells, target, close: () => Promise.all(bells.map(({ bell }) => bell.close())) }
}

test('a ring is heard on every node, once on the one that rings', options, async () => {
  const { bells, close } = await openBells(3)
  bells[0]?.bell.ring()
  assert.equal(bells[0]?.heard.times, 1, 'at once')
  await eventually('all hear it', () => bells.every(({ heard }) => heard.times > 0))
  await sleep(50)
  assert.deepEqual(
    bells.map(({ heard }) => heard.times),
    [1, 1, 1],
  )
  await close()
})

test('many rings become few, and the last one is always heard', options, async () => {
  const { bells, close } = await openBells(2)
  const [ringing, hearing] = bells
  for (let round = 0; round < 20; round += 1) {
    for (let times = 0; times < 100; times += 1) ringing?.bell.ring()
    const before = hearing?.heard.times ?? 0
    ringing?.bell.ring()
    await eventually('it is heard', () => (hearing?.heard.times ?? 0) > before)
  }
  assert.ok((hearing?.heard.times ?? 0) < 200, `${hearing?.heard.times} rings for 2020`)
  await close()
})

test('bells of another channel do not hear it', options, async () => {
  const server = await sharedPostgres()
  const url = server.url(await newPostgresDatabase())
  const [one, other] = ['one', 'the "other"'].map((channel) => openPostgresBell(url, { channel }))
  assert.ok(one !== undefined && other !== undefined)
  const third = openPostgresBell(url, { channel: 'the "other"' })
  const [heardByOne, heardByThird] = [listenTo(one), listenTo(third)]
  await eventually('they are connected', () => heardByOne.times === 1 && heardByThird.times === 1)
  await eventually('the third hears the other', () => {
    other.ring()
    return heardByThird.times > 1
  })
  assert.equal(heardByOne.times, 1)
  await Promise.all([one.close(), other.close(), third.close()])
})

test('after a connection was lost, it rings, since rings may have been missed, and hears again', options, async () => {
  const shared = await sharedPostgres()
  await using proxy = await startTcpProxy({ targetPort: Number(new URL(shared.url('x')).port) })
  const warnings: string[] = []
  const { bells, close } = await openBells(
    2,
    { askEveryMs: 100, answerMs: 200, log: { warn: (_, message) => warnings.push(message) } },
    proxy,
  )
  for (const lose of [proxy.drop, proxy.reset, proxy.silence]) {
    for (const { heard } of bells) heard.times = 0
    lose()
    await eventually('both ring', () => bells.every(({ heard }) => heard.times > 0))
    await sleep(50)
    for (const { heard } of bells) heard.times = 0
    await eventually('both hear', () => {
      bells[0]?.bell.ring()
      return bells.every(({ heard }) => heard.times > 0)
    })
  }
  assert.match(warnings[0] ?? '', /cannot hear other nodes/)
  await close()
})

test('while the server is away, it still rings here, and closes at once', options, async () => {
  const bell = openPostgresBell('postgres://nobody@127.0.0.1:1/nothing')
  const heard = listenTo(bell)
  bell.ring()
  assert.equal(heard.times, 1)
  await sleep(300)
  const begin = performance.now()
  await bell.close()
  assert.ok(performance.now() - begin < 200)
  bell.ring()
  assert.equal(heard.times, 1)
})
