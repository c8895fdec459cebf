import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { createSourcePolicy, parseAllowedSource } from '../../adapters/source/source-policy.ts'
import { openWebhookSender } from '../../adapters/webhooks/webhook-sender.ts'
import type { EventType } from '../../domain/event.ts'
import { newWebhookSecret } from '../../domain/webhook.ts'
import type { Database } from '../../ports/database.ts'
import { numberEvents } from '../../store/events/events.ts'
import { countDeliveries, listDeadLetters, retryDeadLetter } from '../../store/events/webhook-deliveries.ts'
import { deleteWebhook, findWebhook, setWebhook } from '../../store/events/webhooks.ts'
import { createInstances } from '../../store/instances.ts'
import { deliverWebhooks } from './deliver-webhooks.ts'

const INSTANCE = 'default'
const AUDIT = { action: 'set-webhook', instance: INSTANCE, address: '::1', traceId: '0' } as const

interface Received {
  headers: IncomingHttpHeaders
  body: string
}

/** A receiver that answers as told, and remembers what came. */
async function startReceiver(
  t: TestContext,
  behave: (index: number) => number | 'reset' | 'silence' | 'drip' = () => 204,
) {
  const received: Received[] = []
  const listener: RequestListener = async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ headers: request.headers, body })
    const what = behave(received.length - 1)
    if (what === 'reset') request.socket.resetAndDestroy()
    else if (what === 'drip') {
      // The head of the answer, at a byte a second.
      let sent = 0
      const timer = setInterval(() => request.socket.write('HTTP/1.1 200 OK\r\n'.charAt(sent++)), 1000)
      request.socket.once('close', () => clearInterval(timer))
    } else if (what !== 'silence') response.writeHead(what, what === 302 ? { location: '/elsewhere' } : {}).end()
  }
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=1`, received }
}

async function setUp(t: TestContext, { pausesMs = [20, 40, 80], totalMs = 500 } = {}) {
  const database = await openDatabase()
  await createInstances(database, [INSTANCE])
  const sender = openWebhookSender({
    policy: createSourcePolicy([parseAllowedSource('127.0.0.0/8')]),
    version: '0',
    totalMs,
  })
  const outcomes: string[] = []
  const lines: string[] = []
  const tell = (facts: object, message: string) => void lines.push(`${message} ${JSON.stringify(facts)}`)
  const context = {
    database,
    sender,
    metrics: { webhookTried: (outcome: string) => void outcomes.push(outcome) },
    log: { info: tell, warn: tell, error: tell },
    pausesMs,
  }
  const stopping = new AbortController()
  const rounds: Promise<void>[] = []
  t.after(async () => {
    stopping.abort()
    await Promise.all(rounds)
    await sender.close()
    await database.close()
  })
  return {
    database,
    outcomes,
    lines,
    start: () => void rounds.push(deliverWebhooks(context, stopping.signal)),
    async hook(name: string, url: string, types?: readonly EventType[]) {
      const secret = newWebhookSecret()
      assert.ok(await setWebhook(database, { instance: INSTANCE, name, url, types, secret }, AUDIT))
      return secret
    },
  }
}

let events = 0
async function happen(
  database: Database,
  count: number,
  type: EventType = 'aduana.update.imported',
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `event-${++events}`)
  for (const [index, id] of ids.entries()) {
    await database.query(
      `insert into events (id, instance, type, at, step, provider, name, version, facts) values ($1, $2, $3, $4, 1, 'Contoso', 'Toaster', $5, '{}')`,
      [id, INSTANCE, type, Date.now(), `1.${index}`],
    )
  }
  await numberEvents(database, 1000)
  return ids
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await isSo()); ) {
    assert.ok(performance.now() < deadline, what)
    await sleep(20)
  }
}

const idOf = ({ body }: Received) => JSON.parse(body).id

test('an event is posted as a CloudEvent, signed so that the receiver can check it by itself', async (t) => {
  const { database, hook, start, outcomes } = await setUp(t)
  const receiver = await startReceiver(t)
  const secret = await hook('one', receiver.url)
  start()
  const [id] = await happen(database, 1)
  await until(() => receiver.received.length === 1, 'it comes')
  const [{ headers, body }] = receiver.received as [Received]
  assert.equal(headers['content-type'], 'application/cloudevents+json; charset=utf-8')
  assert.equal(headers['webhook-id'], id)
  assert.ok(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 60)
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${headers['webhook-timestamp']}.${body}`).digest('base64')
  assert.equal(headers['webhook-signature'], `v1,${expected}`)
  const { specversion, type, data } = JSON.parse(body)
  assert.deepEqual(
    [specversion, type, data.updateId],
    ['1.0', 'aduana.update.imported', { provider: 'Contoso', name: 'Toaster', version: '1.0' }],
  )
  await until(() => outcomes.length === 1, 'it is counted')
  assert.deepEqual(outcomes, ['delivered'])
  await until(
    async () => (await findWebhook(database, { instance: INSTANCE, name: 'one' }))?.deliveredAt !== undefined,
    '',
  )
})

test('a webhook is told of the types that it wants, and of nothing that was before it', async (t) => {
  const { database, hook, start } = await setUp(t)
  const receiver = await startReceiver(t)
  await happen(database, 3)
  await hook('some', receiver.url, ['aduana.update.deleted'])
  start()
  await happen(database, 2)
  const [wanted] = await happen(database, 1, 'aduana.update.deleted')
  await until(() => receiver.received.length === 1, 'it comes')
  await sleep(700)
  assert.deepEqual(receiver.received.map(idOf), [wanted])
})

test('whatever goes wrong is tried again, and in the end every event has come', async (t) => {
  const { database, hook, start, outcomes } = await setUp(t)
  const mishaps = [500, 'reset', 302, 'silence', 429, 'drip', 404] as const
  const receiver = await startReceiver(t, (index) => mishaps[index] ?? 200)
  await hook('flaky', receiver.url)
  start()
  const ids = await happen(database, 6)
  await until(() => outcomes.filter((outcome) => outcome === 'delivered').length === 6, 'all come')
  assert.equal(outcomes.filter((outcome) => outcome === 'failed').length, mishaps.length)
  assert.deepEqual(new Set(receiver.received.map(idOf)), new Set(ids))
  assert.deepEqual(await countDeliveries(database, { instance: INSTANCE, name: 'flaky' }), { waiting: 0, failed: 0 })
})

test('what fails for good becomes a dead letter with its reason, and comes when it is retried', async (t) => {
  const { database, hook, start, outcomes, lines } = await setUp(t, { pausesMs: [10, 20] })
  let isWell = false
  const receiver = await startReceiver(t, () => (isWell ? 200 : 503))
  await hook('dead', receiver.url)
  const name = { instance: INSTANCE, name: 'dead' }
  start()
  const [id = ''] = await happen(database, 1)
  await until(async () => (await countDeliveries(database, name)).failed === 1, 'it is given up')
  const [letter] = await listDeadLetters(database, name, { after: undefined, limit: 10 })
  assert.partialDeepStrictEqual(letter, { eventId: id, type: 'aduana.update.imported', tries: 3 })
  assert.match(letter?.reason ?? '', /^127\.0\.0\.1:\d+ answered with status 503 instead of 2xx\.$/)
  await until(
    async () => /503/.test((await findWebhook(database, name))?.reason ?? ''),
    'the webhook has the reason, too',
  )
  await until(() => outcomes.length === 3, 'all are counted')
  assert.deepEqual(outcomes, ['failed', 'failed', 'given-up'])
  assert.ok(lines.length > 0 && lines.every((line) => !line.includes('key=1') && !line.includes('whsec_')))

  isWell = true
  assert.equal(await retryDeadLetter(database, { ...name, eventId: 'never' }, AUDIT), false)
  assert.equal(await retryDeadLetter(database, { ...name, eventId: id }, AUDIT), true)
  await until(async () => (await countDeliveries(database, name)).waiting === 0, 'it comes')
  assert.deepEqual(receiver.received.map(idOf), [id, id, id, id])
})

test('webhooks that never answer, or a byte a second, hold up no other one', async (t) => {
  const { database, hook, start } = await setUp(t, { totalMs: 4000 })
  const silent = await startReceiver(t, () => 'silence')
  const dripping = await startReceiver(t, () => 'drip')
  const good = await startReceiver(t)
  await hook('a-silent', silent.url)
  await hook('b-dripping', dripping.url)
  await hook('c-good', good.url)
  start()
  await happen(database, 40)
  const begin = performance.now()
  await until(() => good.received.length === 40, 'the good one has all')
  assert.ok(silent.received.length <= 8 && dripping.received.length <= 8, 'each is asked a few times at once')
  assert.ok(performance.now() - begin < 20_000)
})

test('two nodes that both think it is their duty send each event once', async (t) => {
  const { database, hook, start } = await setUp(t)
  const receiver = await startReceiver(t)
  await hook('shared', receiver.url)
  start()
  start()
  const ids = await happen(database, 60)
  await until(async () => receiver.received.length >= 60, 'all come')
  await sleep(700)
  assert.deepEqual(receiver.received.map(idOf).sort(), ids.sort())
})

test('an address that is not allowed is not asked, and the reason says how it could be', async (t) => {
  const { database, hook, start } = await setUp(t, { pausesMs: [] })
  await hook('private', 'http://10.1.2.3/hook')
  start()
  await happen(database, 1)
  const name = { instance: INSTANCE, name: 'private' }
  await until(async () => (await countDeliveries(database, name)).failed === 1, 'it is given up')
  const reason = async () => (await findWebhook(database, name))?.reason ?? ''
  await until(async () => (await reason()) !== '', 'the webhook has the reason, too')
  assert.match(await reason(), /private address.*--allow-webhook 10\.1\.2\.3:80/)
  assert.equal(await deleteWebhook(database, name, AUDIT), true)
  assert.deepEqual(await countDeliveries(database, name), { waiting: 0, failed: 0 })
})
