// Traces that take their time: one over several nodes, the first of which dies, and one that no collector takes.
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { ask } from '../support/ask.ts'
import { type Behaviour, type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { eventually, operationEnd } from '../support/operation-end.ts'
import { type OtlpReceiver, startOtlpReceiver, treeOf } from '../support/otlp-receiver.ts'
import { noPostgres } from '../support/postgres.ts'
import { publishUpdate, requestsFor } from '../support/publish-update.ts'
import { startAduana } from '../support/start-aduana.ts'
import { type Nodes, openNodes } from '../support/start-nodes.ts'

const IMPORT = 'POST /deviceUpdate/{instanceId}/updates:import'
const TAKEN_OVER_MS = 60_000

test('a collector that does not answer keeps no server from stopping', async () => {
  await using collector = await startOtlpReceiver()
  collector.stall(true)
  await using aduana = await startAduana({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })
  await ask(aduana.httpUrl, '/nowhere')
  const begin = performance.now()
  assert.equal(await aduana.stop(), 0)
  // The exporter itself would wait for 10 seconds.
  assert.ok(performance.now() - begin < 9000)
  assert.ok(collector.bytes().length > 0)
})

describe('one trace over nodes', { skip: noPostgres }, () => {
  let source: MisbehavingSource
  let collector: OtlpReceiver
  let nodes: Nodes
  before(async () => {
    source = await startSource()
    collector = await startOtlpReceiver()
    nodes = await openNodes()
  })
  after(async () => {
    await nodes?.[Symbol.asyncDispose]()
    await collector?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  test('the attempt that succeeds is under the request of its caller, whoever answered that and whoever died over it', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20' }
    const start = (...roles: string[]) => nodes.start(['--run', ...roles], { env })
    const [api, dying] = await Promise.all([start('api'), start('worker')])
    const client = await api.client()

    const held: ServerResponse[] = []
    const bytes = Buffer.from('comes only to the second who asks')
    const behaviour: Behaviour = (request, response) => {
      if (held.push(response) > 1) serveBytes(bytes)(request, response)
    }
    const files = [
      { name: 'first', bytes: Buffer.from('comes at once') },
      { name: 'held', bytes, behaviour },
    ]
    const update = publishUpdate(source, { files })
    const [traceId, spanId] = ['a'.repeat(32), 'b'.repeat(16)]
    const { headers } = await ask(api.httpUrl, '/deviceUpdate/default/updates:import?api-version=2022-10-01', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await api.token()}`,
        'content-type': 'application/json',
        traceparent: `00-${traceId}-${spanId}-01`,
      },
      body: JSON.stringify([update.input]),
    })
    const operationId = /operations\/([^?]+)/.exec(String(headers['operation-location']))?.[1] ?? ''
    await eventually('the file is held', () => requestsFor(source, update.paths.get('held')) === 1)
    await dying.stop('SIGKILL')
    await start('worker')
    const operation = await operationEnd(client, operationId, TAKEN_OVER_MS)
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))

    const spans = await collector.trace(traceId, IMPORT, 'run import')
    const tree = treeOf(spans, spanId)
    assert.equal(tree[0], IMPORT)
    assert.deepEqual(
      tree.filter((line) => /^ {2}\S/.test(line)),
      ['  run import'],
      'an attempt that died has told nothing of itself',
    )
    for (const name of ['ingest file', 'publish', 'fetch manifest']) assert.ok(tree.includes(`    ${name}`), name)
    const [request, run] = [IMPORT, 'run import'].map((name) => spans.find((span) => span.name === name))
    assert.equal(run?.attributes['aduana.operation.attempt'], 2)
    const names = [request, run].map((span) => String(span?.resource['service.instance.id']))
    for (const name of names) assert.match(name, /^[0-9a-f]{16}$/)
    assert.equal(new Set(names).size, 2)
  })
})
