// Several real processes over one real PostgreSQL and one store.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createApiClient } from '../../src/client/api-client.ts'
import { type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { eventually, importAndWait, operationEnd } from '../support/operation-end.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { type Nodes, openNodes } from '../support/start-nodes.ts'

const API = ['--run', 'api', '--instance', 'default', '--instance', 'exact', '--limit', 'operations=5']

let source: MisbehavingSource
let nodes: Nodes
let first: Aduana
let second: Aduana
let worker: Aduana
before(async () => {
  source = await startSource()
  nodes = await openNodes()
  // At once, on a database without a schema.
  ;[first, second, worker] = await Promise.all([nodes.start(API), nodes.start(API), nodes.start(['--run', 'worker'])])
})
after(async () => {
  await nodes?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

describe('nodes that share a database and a store', { concurrency: true }, () => {
  test('divide the work: what one accepts another does, and each serves it, to the same tokens under the same CA', async () => {
    const update = publishUpdate(source)
    assert.equal((await importAndWait(await first.client(), [update.input])).status, 'Succeeded')
    assert.match(worker.log(), /operation started/)

    const token = await first.token()
    const reader = createApiClient({ baseUrl: second.httpUrl, token, instance: 'default', dialect: '2022' })
    const [file] = (await reader.getUpdateWithContent(update.updateId)).files
    assert.ok(file)
    assert.ok(file.contentUrl.startsWith(second.httpUrl))
    const bytes = Buffer.from(await (await fetch(file.contentUrl)).arrayBuffer())
    assert.deepEqual(bytes, Buffer.from(update.payloads.get(file.fileName)!))
    const authorities = await Promise.all(
      [first, second].map(({ folder }) => readFile(join(folder, 'tls/ca.pem'), 'utf8')),
    )
    assert.equal(authorities[0], authorities[1])
    assert.equal(worker.httpUrl, undefined)
  })

  test('are woken by each other, long before they would look by themselves', async () => {
    const client = await second.client()
    await importAndWait(client, [publishUpdate(source).input])
    const times: number[] = []
    for (let i = 0; i < 5; i += 1) {
      const begin = performance.now()
      await importAndWait(client, [publishUpdate(source).input])
      times.push(performance.now() - begin)
    }
    // A worker looks once a second by itself, counted from the end of the import before.
    assert.ok(Math.min(...times) < 600, `it took ${times.map(Math.round).join(', ')} ms`)
  })

  test('count operations in progress together, exactly', async () => {
    const clients = await Promise.all([first, second].map((node) => node.client('2022', 'exact')))
    // Nobody may end one meanwhile: their source has nothing to say until all were asked for.
    const { promise: asked, resolve: answer } = Promise.withResolvers<void>()
    const bytes = Buffer.from('comes late')
    const behaviour = (...args: Parameters<ReturnType<typeof serveBytes>>) =>
      void asked.then(() => serveBytes(bytes)(...args))
    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) =>
        clients[i % 2]!.importUpdate([
          publishUpdate(source, { files: [{ name: 'late.bin', bytes, behaviour }] }).input,
        ]),
      ),
    )
    answer()
    const refused = answers.filter((result) => result.status === 'rejected')
    assert.deepEqual(new Set(refused.map(({ reason }) => reason.status)), new Set([429]))
    assert.equal(answers.length - refused.length, 5)
  })

  test('know an instance that one of them has made', async () => {
    await nodes.start(['--run', 'api', '--instance', 'later'])
    const client = await first.client('2022', 'later')
    const knows = () =>
      Array.fromAsync(client.listProviders()).then(
        () => true,
        () => false,
      )
    await eventually('the first one knows it', knows)
  })

  test('refuse a store that is not the one of the database, and a data folder of another installation', async () => {
    const another = join(tmpdir(), `aduana-another-store-${process.pid}`)
    await assert.rejects(nodes.start(['--store', another]), /is not the one of this database/)
    await using alone = await startAduana()
    await alone.stop()
    await assert.rejects(
      startAduana({ folder: alone.folder, flags: ['--database', nodes.databaseUrl, '--store', nodes.store] }),
      /of another installation than the database/,
    )
  })
})

test('a node that stops loses nothing: what it parks another finishes at once', async () => {
  await using pair = await openNodes()
  const stopping = await pair.start(['--grace', '200ms'])
  const bytes = Buffer.alloc(200_000, 'parked')
  let requests = 0
  // The first who asks waits for ever.
  const behaviour = (...args: Parameters<ReturnType<typeof serveBytes>>) =>
    requests++ === 0 ? undefined : serveBytes(bytes)(...args)
  const update = publishUpdate(source, { files: [{ name: 'slow.bin', bytes, behaviour }] })
  const { operationId } = await (await stopping.client()).importUpdate([update.input])
  await eventually('it is at it', () => requests === 1)
  const going = await pair.start()
  await stopping.stop()
  assert.match(stopping.log(), /operation parked/)
  assert.equal((await operationEnd(await going.client(), operationId, 5000)).status, 'Succeeded')
  assert.equal((await pair.database.query('select node from nodes')).length, 1, 'it has said goodbye')
})
