// Real nodes whose database or store is cut off, slow, silent or restarted, while imports run and requests come.
import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Azurite, startAzurite } from '../support/azurite.ts'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { eventually } from '../support/operation-end.ts'
import { noPostgres, type Postgres, startPostgres } from '../support/postgres.ts'
import type { Aduana } from '../support/start-aduana.ts'
import { openNodes } from '../support/start-nodes.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type LoadThroughOutage, loadThroughOutage } from './load-through-outage.ts'

const READY_MS = 20_000
/** A store may be slow to begin; a database may not. */
const STORE_ANSWER_MS_MAX = 40_000

let source: MisbehavingSource
before(async () => {
  source = await startSource()
})
after(() => source?.[Symbol.asyncDispose]())

/** Again and again for `forMs`. */
async function again(forMs: number, everyMs: number, what: () => void): Promise<void> {
  for (const until = performance.now() + forMs; performance.now() < until; await sleep(everyMs)) what()
}

/** Nobody was kept waiting, nobody was told anything but that it is to come again, and whatever was accepted is there. */
async function assertUnharmed(
  context: TestContext,
  { node, load, during }: { node: Aduana; load: LoadThroughOutage; during: number },
): Promise<void> {
  await eventually('it is ready again', async () => (await fetch(`${node.httpUrl}/readyz`)).status === 200, READY_MS)
  const before = load.accepted()
  await eventually('it takes imports again', () => load.accepted() > before, READY_MS)
  await load.end()
  assert.deepEqual(load.wrong, [])
  assert.deepEqual([node.process.exitCode, node.process.signalCode], [null, null])
  const outage = load.answers.slice(during)
  const refused = outage.filter(({ status }) => status >= 300)
  assert.deepEqual(
    [...new Set(refused.map(({ status, path }) => (status === 503 ? 503 : `${status} ${path}`)))],
    refused.length > 0 ? [503] : [],
  )
  assert.deepEqual(
    refused.filter(({ retryAfter }) => !(Number(retryAfter) > 0)),
    [],
  )
  const slowest = Math.max(...outage.map(({ ms }) => ms))
  context.diagnostic(
    `${load.accepted()} imports (${load.failed()} failed), ${outage.length} requests, ${refused.length} refused, the slowest in ${slowest.toFixed(0)} ms`,
  )
}

const cameTo503 = (load: LoadThroughOutage, path: RegExp) =>
  load.answers.some((answer) => answer.status === 503 && path.test(answer.path))

async function refuse(proxy: TcpProxy, forMs: number): Promise<void> {
  proxy.isRefusing = true
  proxy.reset()
  await sleep(forMs)
  proxy.isRefusing = false
}

const NETWORKS: { network: string; isAway: boolean; strike(proxy: TcpProxy): Promise<void> }[] = [
  { network: 'resets connections', isAway: false, strike: (proxy) => again(6000, 300, () => proxy.reset()) },
  { network: 'ends connections', isAway: false, strike: (proxy) => again(6000, 300, () => proxy.drop()) },
  {
    network: 'delays each answer',
    isAway: false,
    async strike(proxy) {
      proxy.delayMs = 300
      await sleep(6000)
      proxy.delayMs = 0
    },
  },
  {
    network: 'refuses all connections for longer than a lease',
    isAway: true,
    strike: (proxy) => refuse(proxy, 20_000),
  },
  {
    network: 'falls silent for longer than a lease',
    isAway: true,
    async strike(proxy) {
      proxy.isSilent = true
      proxy.silence()
      await sleep(25_000)
      proxy.isSilent = false
    },
  },
]

describe('where a network lies between a node and its database that', { concurrency: true, skip: noPostgres }, () => {
  for (const { network, isAway, strike } of NETWORKS) {
    test(`${network}, nobody waits for ever, and nothing that was accepted is lost`, async (context) => {
      await using nodes = await openNodes()
      const { port } = new URL(nodes.databaseUrl)
      await using proxy = await startTcpProxy({ targetPort: Number(port) })
      const node = await nodes.start(['--database', nodes.databaseUrl.replace(`:${port}/`, `:${proxy.port}/`)])
      await using load = await loadThroughOutage({ source, node })
      await sleep(1000)
      const during = load.answers.length
      await strike(proxy)
      await assertUnharmed(context, { node, load, during })
      if (!isAway) return
      // Not more often than somebody would look for work.
      const claims = node.log().split('cannot claim operations').length - 1
      assert.ok(claims > 0 && claims < 40, `${claims} times`)
      for (const path of [/readyz/, /updates:import/, /providers$/, /content/])
        assert.ok(cameTo503(load, path), `${path}`)
    })
  }
})

const RESTARTS: { restart: string; strike(postgres: Postgres): Promise<void> }[] = [
  {
    restart: 'crashes and is back at once',
    async strike(postgres) {
      await postgres.stop('crash')
      await postgres.start()
    },
  },
  {
    restart: 'is shut down, and back after longer than a lease',
    async strike(postgres) {
      await postgres.stop('goodbye')
      await sleep(18_000)
      await postgres.start()
    },
  },
  {
    restart: 'stands still for eight seconds',
    async strike(postgres) {
      postgres.freeze()
      await sleep(8000)
      postgres.thaw()
    },
  },
]

describe('where the database', { skip: noPostgres }, () => {
  let postgres: Postgres
  before(async () => {
    postgres = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } })
  })
  after(() => postgres?.[Symbol.asyncDispose]())

  for (const { restart, strike } of RESTARTS) {
    test(`${restart}, both nodes answer, and nothing that was accepted is lost`, async (context) => {
      await using nodes = await openNodes({ postgres })
      const both = await Promise.all([nodes.start(), nodes.start()])
      const loads = await Promise.all(both.map((node) => loadThroughOutage({ source, node })))
      await sleep(1000)
      const during = loads.map(({ answers }) => answers.length)
      await strike(postgres)
      for (const [index, load] of loads.entries()) {
        await assertUnharmed(context, { node: both[index]!, load, during: during[index]! })
      }
      // What the database interrupts is gone on with where it is: nobody has it twice.
      const attempts = await nodes.database.query('select max(attempt) as most from operations')
      context.diagnostic(`${attempts[0]?.most} attempts at most`)
    })
  }
})

const STORES: { network: string; mayFailBy?: string; strike(proxy: TcpProxy): Promise<void> }[] = [
  { network: 'resets connections', strike: (proxy) => again(4000, 500, () => proxy.reset()) },
  {
    network: 'refuses all connections for a few seconds',
    strike: (proxy) => refuse(proxy, 4000),
  },
  {
    network: 'refuses all connections for half a minute',
    mayFailBy: 'StoreFailed',
    strike: (proxy) => refuse(proxy, 30_000),
  },
  {
    network: 'forgets its connections',
    async strike(proxy) {
      proxy.silence()
      await sleep(5000)
    },
  },
]

describe('where a network lies between a node and its store that', { concurrency: true, skip: noPostgres }, () => {
  let azurite: Azurite
  before(async () => {
    azurite = await startAzurite()
  })
  after(() => azurite?.[Symbol.asyncDispose]())

  for (const { network, mayFailBy, strike } of STORES) {
    const end = mayFailBy === undefined ? 'end well' : `end well or by ${mayFailBy}`
    test(`${network}, reads are put off, and imports ${end}`, async (context) => {
      await using proxy = await startTcpProxy({ targetPort: azurite.port })
      const connection = azurite.connectionString.replace(`:${azurite.port}/`, `:${proxy.port}/`)
      await using nodes = await openNodes({ store: `azblob://${network.replaceAll(' ', '-')}` })
      const node = await nodes.start([], { env: { AZURE_STORAGE_CONNECTION_STRING: connection } })
      await using load = await loadThroughOutage({ source, node, answerMsMax: STORE_ANSWER_MS_MAX, mayFailBy })
      await sleep(1000)
      const during = load.answers.length
      await strike(proxy)
      await assertUnharmed(context, { node, load, during })
      if (mayFailBy !== undefined) assert.ok(load.failed() > 0 && cameTo503(load, /content/))
    })
  }
})
