// Operations are watched over the real network, by the client that others use.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { OperationWithProgress } from '../../src/client/api-types.ts'
import { type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { paced } from '../support/paced.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const BYTES = seededBytes('watched', 3_000_000)

let source: MisbehavingSource
let server: Aduana
before(async () => {
  source = await startSource()
  server = await startAduana()
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

function publishSlow(bodyMs: number) {
  return publishUpdate(source, {
    files: [{ name: 'slow.bin', bytes: BYTES, behaviour: paced(serveBytes(BYTES), { bodyMs }) }],
  })
}

describe('an import that is watched', () => {
  test('is seen from its beginning to its end, with bytes that only ever grow', async () => {
    const client = await server.client()
    const { operationId } = await client.importUpdate([publishSlow(4000).input])
    const seen: OperationWithProgress[] = []
    for await (const state of client.watchOperation(operationId)) seen.push(state)

    const bytes = seen.map(({ files }) => files[0]?.bytesDone ?? 0)
    assert.deepEqual(
      bytes,
      bytes.toSorted((a, b) => a - b),
    )
    assert.ok(new Set(bytes).size >= 3, `${bytes} has steps between the beginning and the end`)
    assert.ok(seen.slice(0, -1).every(({ status }) => status === 'NotStarted' || status === 'Running'))
    assert.equal(seen.at(-1)?.status, 'Succeeded')
    assert.equal(bytes.at(-1), BYTES.length)
  })

  test('is seen by as many as like to, and one that leaves disturbs nobody', async () => {
    const client = await server.client()
    const { operationId } = await client.importUpdate([publishSlow(1500).input])
    for await (const _ of client.watchOperation(operationId)) break
    const ends = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await Array.fromAsync(client.watchOperation(operationId))).at(-1)?.status,
      ),
    )
    assert.deepEqual(new Set(ends), new Set(['Succeeded']))
  })

  test('does not keep the server from stopping; who watches goes on when it is back', async () => {
    await using first = await startAduana({
      flags: ['--allow-source', '127.0.0.0/8', '--grace', '1s'],
      // Another server goes on with it.
      inFolder: true,
    })
    const port = new URL(first.httpUrl).port
    const client = await first.client()
    const { operationId } = await client.importUpdate([publishSlow(6000).input])
    const end = Array.fromAsync(client.watchOperation(operationId))
    await new Promise((resolve) => setTimeout(resolve, 500))
    const before = performance.now()
    assert.equal(await first.stop(), 0)
    assert.ok(performance.now() - before < 8000, 'streams hold up nothing')

    const flags = ['--allow-source', '127.0.0.0/8', '--http', `127.0.0.1:${port}`]
    await using _second = await startAduana({ folder: first.folder, flags })
    assert.equal((await end).at(-1)?.status, 'Succeeded')
  })

  test('ends with an error for who has no right to it', async () => {
    const { importUpdate } = await server.client()
    const { operationId } = await importUpdate([publishUpdate(source).input])
    const stranger = await server.client('2022', 'other')
    await assert.rejects(Array.fromAsync(stranger.watchOperation(operationId)), { status: 404 })
  })
})
