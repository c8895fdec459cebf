// Events over several real processes: who watches asks another node than the one that works, and nodes die.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { WatchedEvent } from '../../src/client/api-types.ts'
import { type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { paced } from '../support/paced.ts'
import { noPostgres } from '../support/postgres.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type Nodes, openNodes } from '../support/start-nodes.ts'

const BYTES = seededBytes('nodes', 2_000_000)

describe('events of nodes that share a database', { skip: noPostgres }, () => {
  let source: MisbehavingSource
  let nodes: Nodes
  before(async () => {
    source = await startSource()
    nodes = await openNodes()
  })
  after(async () => {
    await nodes?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  const publishSlow = (bodyMs: number) =>
    publishUpdate(source, {
      files: [{ name: 'slow.bin', bytes: BYTES, behaviour: paced(serveBytes(BYTES), { bodyMs }) }],
    })

  test('an import on one node is watched on another, through the death of both', async () => {
    const api = await nodes.start(['--run', 'api'])
    const worker = await nodes.start(['--run', 'worker'])
    const client = await api.client()
    const leaving = new AbortController()
    const told: WatchedEvent[] = []
    const listening = (async () => {
      for await (const event of client.watchEvents({ signal: leaving.signal })) told.push(event)
    })()
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 50))

    const quick = await client.importUpdate([publishUpdate(source).input])
    const states = await Array.fromAsync(client.watchOperation(quick.operationId))
    assert.equal(states.at(-1)?.status, 'Succeeded')

    // The worker dies in the middle of one, and with it the numbering; another one takes both up.
    const slow = await client.importUpdate([publishSlow(4000).input])
    for await (const { files } of client.watchOperation(slow.operationId)) if ((files[0]?.bytesDone ?? 0) > 0) break
    await worker.stop('SIGKILL')
    await nodes.start(['--run', 'worker'])
    const end = (await Array.fromAsync(client.watchOperation(slow.operationId))).at(-1)
    assert.equal(end?.status, 'Succeeded', JSON.stringify(end?.error))

    // The node that is asked dies too, and comes back under its address.
    const port = new URL(api.httpUrl).port
    await api.stop('SIGKILL')
    await nodes.start(['--run', 'api', '--http', `127.0.0.1:${port}`], { folder: api.folder })
    const last = await client.importUpdate([publishUpdate(source).input])
    const isLast = ({ event, data }: WatchedEvent) =>
      event === 'aduana.operation.succeeded' &&
      (data as { data: { operationId: string } }).data.operationId === last.operationId
    const deadline = performance.now() + 90_000
    while (!told.some(isLast) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100))
    leaving.abort()
    await listening

    const durable = told.filter(({ event }) => event.startsWith('aduana.'))
    assert.equal(new Set(durable.map(({ id }) => id)).size, durable.length, 'each was told once')
    for (const { operationId } of [quick, slow, last]) {
      assert.deepEqual(
        durable
          .filter(({ data }) => (data as { data: { operationId: string } }).data.operationId === operationId)
          .map(({ event }) => event),
        ['aduana.operation.accepted', 'aduana.update.imported', 'aduana.operation.succeeded'],
      )
    }
  })
})
