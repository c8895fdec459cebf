// Webhooks of a real server, with receivers that misbehave.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { importAndWait } from '../support/operation-end.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { startAduana } from '../support/start-aduana.ts'

const FLAGS = ['--allow-source', '127.0.0.0/8', '--allow-webhook', '127.0.0.0/8', '--grace', '1s']

interface Received {
  headers: IncomingHttpHeaders
  body: string
}

let source: MisbehavingSource
before(async () => {
  source = await startSource()
})
after(() => source?.[Symbol.asyncDispose]())

async function receive(server: Server, port = 0): Promise<string> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}

function collect(received: Received[]): Server {
  return createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ headers: request.headers, body })
    response.writeHead(204).end()
  })
}

function close(server: Server): void {
  server.closeAllConnections()
  server.close()
}

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 60_000; !isSo(); await sleep(50)) {
    assert.ok(performance.now() < deadline, 'it takes too long')
  }
}

const typeOf = ({ body }: Received) => JSON.parse(body).type as string

describe('webhooks', { concurrency: true }, () => {
  test('that hang or drip hold up neither the API, nor imports, nor the others', async () => {
    await using server = await startAduana({ flags: FLAGS })
    const client = await server.client()
    // One says nothing at all; one says a byte a second.
    const sockets = new Set<import('node:net').Socket>()
    const hanging = createTcpServer((socket) => void sockets.add(socket.on('error', () => {})))
    const dripping = createTcpServer((socket) => {
      sockets.add(socket.on('error', () => {}))
      let sent = 0
      const timer = setInterval(() => socket.write('HTTP/1.1 200 OK\r\n'.charAt(sent++)), 1000)
      socket.once('close', () => clearInterval(timer))
    })
    const received: Received[] = []
    const good = collect(received)
    for (const [name, receiver] of [
      ['a-hanging', hanging],
      ['b-dripping', dripping],
      ['c-good', good],
    ] as const) {
      await client.setWebhook(name, { url: await receive(receiver as Server), types: ['aduana.update.imported'] })
    }
    const times: number[] = []
    for (let index = 0; index < 12; index += 1) {
      const begin = performance.now()
      const { status } = await importAndWait(client, [publishUpdate(source).input])
      assert.equal(status, 'Succeeded')
      times.push(performance.now() - begin)
    }
    await until(() => received.length === 12)
    // A try at those that hang takes fifteen seconds: nothing here may have waited for one.
    assert.ok(Math.max(...times) < 10_000, `imports took ${times.map(Math.round).join(', ')} ms`)
    const stopping = performance.now()
    assert.equal(await server.stop(), 0)
    assert.ok(performance.now() - stopping < 10_000, 'the server does not wait for them when it stops')
    for (const socket of sockets) socket.destroy()
    hanging.close()
    dripping.close()
    close(good)
  })

  test('are told of what happened before the server was killed, with a signature that can be checked', async () => {
    const received: Received[] = []
    const receiver = collect(received)
    await using first = await startAduana({ flags: FLAGS })
    const client = await first.client()
    const reserved = createServer()
    const url = await receive(reserved)
    const { secret = '' } = await client.setWebhook('late', { url })
    close(reserved)
    const update = publishUpdate(source)
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    await first.stop('SIGKILL')

    await receive(receiver, Number(new URL(url).port))
    await using second = await first.restart()
    const types = () => received.map(typeOf)
    const all = ['aduana.operation.accepted', 'aduana.operation.succeeded', 'aduana.update.imported']
    await until(() => all.every((type) => types().includes(type)))
    for (const { headers, body } of received) {
      const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature } = headers
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
      assert.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`)
      assert.equal(JSON.parse(body).id, id)
    }
    const { waiting, failed, hasSecret } = await (await second.client()).getWebhook('late')
    assert.deepEqual([failed, hasSecret], [0, true])
    assert.ok(waiting <= 3)
    const audit = `${first.log()}${second.log()}`
    assert.ok(!audit.includes(secret))
    close(receiver)
  })

  test('are not sent to private addresses unless the operator allows them', async () => {
    await using server = await startAduana()
    const client = await server.client()
    await assert.rejects(client.setWebhook('private', { url: 'http://127.0.0.1:9/hook' }), { status: 400 })
    await client.setWebhook('private', { url: 'https://127.0.0.1:9/hook' })
    await importAndWait(client, [publishUpdate(source).input])
    const deadline = performance.now() + 60_000
    let reason: string | undefined
    while (reason === undefined && performance.now() < deadline) {
      await sleep(100)
      reason = (await client.getWebhook('private')).lastFailure
    }
    assert.match(reason ?? '', /127\.0\.0\.1 is a loopback address\..*--allow-webhook 127\.0\.0\.1:9/)
    assert.deepEqual(
      (await Array.fromAsync(client.listWebhooks())).map(({ name }) => name),
      ['private'],
    )
    assert.deepEqual(await Array.fromAsync(client.listWebhookFailures('private')), [])
    await client.deleteWebhook('private')
    await assert.rejects(client.getWebhook('private'), { status: 404 })
  })
})
