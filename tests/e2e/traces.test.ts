// What goes to a collector of OpenTelemetry, seen by a real one over OTLP, and what stays true without one.
import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Operation } from '../../src/client/api-types.ts'
import { ask } from '../support/ask.ts'
import { freePort } from '../support/free-port.ts'
import {
  type Behaviour,
  type MisbehavingSource,
  serveBytes,
  serveOtherBytes,
  startSource,
} from '../support/misbehaving-source.ts'
import { eventually } from '../support/operation-end.ts'
import { type OtlpReceiver, startOtlpReceiver, treeOf } from '../support/otlp-receiver.ts'
import { publishUpdate, SIGNATURE, type UpdateRecipe } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const UPDATES = '/deviceUpdate/default/updates'
const IMPORT = 'POST /deviceUpdate/{instanceId}/updates:import'
const QUERY = 'api-version=2022-10-01&search=not-for-collectors'
const ALLOWED = ['--allow-source', '127.0.0.0/8']

/** What a caller sends along, and the ids in it. */
function caller(number: number, flags: '00' | '01' = '01') {
  const digit = String(number)
  const [traceId, spanId] = [digit.repeat(32), digit.repeat(16)]
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-${flags}` } }
}

let source: MisbehavingSource
before(async () => {
  source = await startSource()
})
after(() => source?.[Symbol.asyncDispose]())

/** Imports and waits for the end, whatever it is. */
async function importBy(aduana: Aduana, token: string, headers: Record<string, string>, recipe: UpdateRecipe = {}) {
  const { input, updateId } = publishUpdate(source, recipe)
  const authorization = `Bearer ${token}`
  const answer = await ask(aduana.httpUrl, `${UPDATES}:import?${QUERY}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: JSON.stringify([input]),
  })
  assert.equal(answer.status, 202, answer.text)
  const operation = await endOf(aduana, token, String(answer.headers['operation-location']))
  return { operation, updateId, traceparent: String(answer.headers.traceparent) }
}

async function endOf(aduana: Aduana, token: string, location: string): Promise<Operation> {
  let operation: Operation | undefined
  await eventually('the operation ends', async () => {
    // Not to be seen in the trace of the request.
    const headers = { authorization: `Bearer ${token}`, traceparent: caller(9, '00').headers.traceparent }
    operation = (await ask(aduana.httpUrl, location, { headers })).json<Operation>()
    return operation.status === 'Succeeded' || operation.status === 'Failed'
  })
  return operation as Operation
}

/** The lines of the server's log. */
function logOf(aduana: Aduana): Record<string, unknown>[] {
  return aduana
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}

describe('with a collector', () => {
  let collector: OtlpReceiver
  let aduana: Aduana
  let token = ''
  let copies = ''
  before(async () => {
    collector = await startOtlpReceiver()
    copies = join(tmpdir(), `aduana-traces-${process.pid}`)
    aduana = await startAduana({
      flags: [...ALLOWED, '--distribute', `cdn=${copies}`, '--distribute-required', 'cdn'],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of-the-operator',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=tests',
        OTEL_BSP_SCHEDULE_DELAY: '20',
      },
    })
    token = await aduana.token()
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    await collector?.[Symbol.asyncDispose]()
    await rm(copies, { recursive: true, force: true })
  })

  test("an import is one tree under its caller's span, from the request to the store", async () => {
    const { traceId, spanId, headers } = caller(1)
    const files = ['a.swu', 'b.swu'].map((name) => ({ name, bytes: Buffer.from(`bytes of ${name}`) }))
    const { operation, traceparent } = await importBy(aduana, token, headers, { files })
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
    assert.equal(operation.traceId, traceId)
    assert.equal(traceparent, headers.traceparent, 'what the caller sent is echoed, as recorded')

    const spans = await collector.trace(traceId, IMPORT, 'run import')
    assert.deepEqual(treeOf(spans, spanId), [
      IMPORT,
      '  run import',
      // The manifest is kept as well.
      '    commit blob',
      '    fetch manifest',
      '      read source',
      '    ingest file',
      '      commit blob',
      '      read source',
      '    ingest file',
      '      commit blob',
      '      read source',
      '    publish',
      '    write copy',
      '    write copy',
    ])

    const [request, run, ...others] = [IMPORT, 'run import'].map((name) => spans.find((span) => span.name === name))
    assert.deepEqual(others, [])
    assert.deepEqual(request?.attributes, {
      'http.request.method': 'POST',
      'http.route': '/deviceUpdate/{instanceId}/updates:import',
      'http.response.status_code': 202,
      'url.scheme': 'http',
      'url.path': '/deviceUpdate/default/updates:import',
      'aduana.instance': 'default',
    })
    assert.equal(request?.kind, 2)
    assert.deepEqual(run?.attributes, {
      'aduana.instance': 'default',
      'aduana.operation.id': operation.operationId,
      'aduana.operation.kind': 'import',
      'aduana.operation.attempt': 1,
      'aduana.operation.outcome': 'succeeded',
    })
    assert.equal(run?.kind, 5)
    const [read] = spans.filter((span) => span.name === 'read source')
    assert.deepEqual(
      { ...read?.attributes, 'url.full': undefined, 'aduana.source.bytes': undefined },
      {
        'url.scheme': 'http',
        'url.full': undefined,
        'server.address': '127.0.0.1',
        'server.port': source.port,
        'aduana.source.bytes': undefined,
      },
    )
    const sizes = spans.filter(({ name }) => name === 'ingest file').map(({ attributes }) => attributes)
    assert.deepEqual(
      sizes.sort((a, b) => Number(a['aduana.file.index']) - Number(b['aduana.file.index'])),
      [0, 1].map((index) => ({ 'aduana.item.index': 0, 'aduana.file.index': index, 'aduana.file.size': 14 })),
    )
    assert.ok(spans.every(({ hasFailed }) => !hasFailed))
    const { resource } = request ?? assert.fail()
    assert.equal(resource['service.name'], 'aduana')
    assert.equal(resource['deployment.environment.name'], 'tests')
    assert.equal(collector.headers()['x-key'], 'of-the-operator')
  })

  test('a deletion is under the request that asked for it', async () => {
    const { updateId } = await importBy(aduana, token, caller(9, '00').headers)
    const { traceId, spanId, headers } = caller(2)
    const path = `${UPDATES}/providers/${updateId.provider}/names/${updateId.name}/versions/${updateId.version}`
    const answer = await ask(aduana.httpUrl, path, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}`, ...headers },
    })
    await endOf(aduana, token, String(answer.headers['operation-location']))
    const name = 'DELETE /deviceUpdate/{instanceId}/updates/providers/{provider}/names/{name}/versions/{version}'
    assert.deepEqual(treeOf(await collector.trace(traceId, name, 'run delete'), spanId), [name, '  run delete'])
    // The copies go later, for whoever asked for their going.
    await eventually('a copy is deleted', () => collector.spans.some((span) => span.name === 'delete copy'))
  })

  test('what failed says so by the stable codes of its error', async () => {
    const { traceId, headers } = caller(3)
    const bytes = Buffer.from('what was promised')
    const { operation } = await importBy(aduana, token, headers, {
      files: [{ name: 'a.swu', bytes, behaviour: serveOtherBytes(bytes) }],
    })
    assert.equal(operation.status, 'Failed')
    const spans = await collector.trace(traceId, 'run import', 'ingest file')
    const failed = spans.filter(({ hasFailed }) => hasFailed).map(({ name, attributes }) => [name, attributes])
    const codes = Object.fromEntries(
      failed.map(([name, attributes]) => {
        const { 'error.type': outer, 'aduana.error.innermost': innermost } = attributes as Record<string, string>
        return [name, [outer, innermost]]
      }),
    )
    assert.deepEqual(codes, {
      'run import': ['CannotProcessUpdateFile', 'HashMismatch'],
      'ingest file': ['HashMismatch', undefined],
    })
    const run = spans.find(({ name }) => name === 'run import')
    assert.equal(run?.attributes['aduana.operation.outcome'], 'failed')

    const refused = caller(4)
    await ask(aduana.httpUrl, UPDATES, { headers: refused.headers })
    const [request] = await collector.trace(refused.traceId, 'GET /deviceUpdate/{instanceId}/updates')
    assert.equal(request?.attributes['error.type'], 'Unauthenticated')
    assert.equal(request?.hasFailed, false, 'the server did well')
  })

  test('a caller who does not sample is not traced, and neither is what supervisors ask', async () => {
    const { traceId, headers } = caller(5, '00')
    const { operation } = await importBy(aduana, token, headers)
    assert.equal(operation.traceId, traceId)
    for (const path of ['/healthz', '/readyz']) await ask(aduana.httpUrl, path, { headers: caller(6).headers })
    // Spans are sent in the order of their ends: when this one has come, the others would have.
    const { headers: last, traceId: lastId } = caller(7)
    await ask(aduana.httpUrl, '/nowhere', { headers: last })
    await collector.trace(lastId, 'GET')
    const traced = new Set(collector.spans.map((span) => span.traceId))
    assert.ok(!traced.has(traceId) && !traced.has(caller(6).traceId) && !traced.has(caller(9).traceId))
  })

  test('without a caller who traces, the answer, the operation, the audit log and the log have the ids of a new trace', async () => {
    const { operation, traceparent } = await importBy(aduana, token, {})
    assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    const [, traceId = '', spanId = ''] = traceparent.split('-')
    assert.equal(operation.traceId, traceId)
    const spans = await collector.trace(traceId, IMPORT, 'run import')
    assert.equal(treeOf(spans, '')[0], IMPORT)
    assert.equal(spans.find(({ name }) => name === IMPORT)?.spanId, spanId)

    const audit = await readFile(join(aduana.folder, 'audit.jsonl'), 'utf8')
    const [entry] = audit
      .split('\n')
      .filter((line) => line.includes(operation.operationId))
      .map((line) => JSON.parse(line))
    assert.equal(entry.traceId, traceId)
    const run = spans.find(({ name }) => name === 'run import')
    const lines = logOf(aduana).filter((line) => line.operationId === operation.operationId)
    assert.deepEqual(
      lines.map((line) => [line.msg, line.trace_id, line.span_id]),
      ['operation started', 'operation succeeded'].map((message) => [message, traceId, run?.spanId]),
    )
    const problem = (await ask(aduana.httpUrl, '/nowhere')).json<{ traceId: string }>()
    await collector.trace(problem.traceId.split('-')[1] ?? '', 'GET')
  })

  test('a check is told as an import is', async () => {
    const [traceId, spanId] = ['c'.repeat(32), 'd'.repeat(16)]
    const { input } = publishUpdate(source)
    const accepted = await ask(aduana.httpUrl, '/aduana/v1/default/updates:check?deep=true', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        traceparent: `00-${traceId}-${spanId}-01`,
        'content-type': 'application/json',
      },
      body: JSON.stringify([input]),
    })
    await endOf(aduana, token, String(accepted.headers['operation-location']))
    const name = 'POST /aduana/v1/{instanceId}/updates:check'
    assert.deepEqual(treeOf(await collector.trace(traceId, name, 'run check'), spanId), [
      name,
      '  run check',
      '    check file',
      '      read source',
      '    fetch manifest',
      '      read source',
    ])
  })

  test('what a request writes to the store is a part of it', async () => {
    const [traceId, spanId] = ['a'.repeat(32), 'b'.repeat(16)]
    const upload = await ask(aduana.httpUrl, '/aduana/v1/default/staging', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        traceparent: `00-${traceId}-${spanId}-01`,
        'tus-resumable': '1.0.0',
        'upload-length': '5',
        'upload-metadata': `filename ${Buffer.from('a.swu').toString('base64')}`,
        'content-type': 'application/offset+octet-stream',
      },
      body: '12345',
    })
    assert.equal(upload.status, 201, upload.text)
    const name = 'POST /aduana/v1/{instanceId}/staging'
    assert.deepEqual(treeOf(await collector.trace(traceId, name), spanId), [name, '  commit blob'])
  })

  test('the collector itself is no source', async () => {
    const { input } = publishUpdate(source)
    input.importManifest.url = `${collector.url}/v1/traces`
    const client = await aduana.client()
    const { operationId } = await client.importUpdate([input])
    const { error } = await client.waitForOperation(operationId)
    assert.match(JSON.stringify(error), /SourceRefused/)
  })

  test('no token, no query, no signature and no address of content goes to it', async () => {
    const { updateId } = await importBy(aduana, token, caller(8).headers)
    const client = await aduana.client()
    const { files } = await client.getUpdateWithContent(updateId)
    for (const { contentUrl } of files) assert.equal((await fetch(contentUrl)).status, 200)
    const escaped = `${UPDATES}/operations/x%3Fsig%3D${SIGNATURE}`
    await ask(aduana.httpUrl, escaped, { headers: { authorization: `Bearer ${token}`, ...caller(8).headers } })
    await collector.trace(
      caller(8).traceId,
      'run import',
      'GET /deviceUpdate/{instanceId}/updates/operations/{operationId}',
    )
    await eventually('the download is traced', () =>
      collector.spans.some(({ name }) => name.startsWith('GET /content/')),
    )
    const sent = collector.bytes().toString()
    const contentIds = files.map(({ contentUrl }) => String(/[0-9a-f]{32}/.exec(contentUrl)))
    assert.equal(contentIds.length, 1)
    for (const secret of [
      token,
      SIGNATURE,
      'sig=',
      'sig%3D',
      'not-for-collectors',
      'Bearer',
      '2099-12',
      ...contentIds,
    ]) {
      assert.ok(!sent.includes(secret), secret)
    }
    assert.ok(sent.includes(`/deviceUpdate/default/updates/operations/x"`))
  })
})

describe('with a collector that is away', () => {
  test('everything goes on, the log says so once, and once more when it is back', async () => {
    const port = await freePort()
    await using aduana = await startAduana({
      env: {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}/v1/traces`,
        OTEL_EXPORTER_OTLP_TIMEOUT: '50',
        OTEL_BSP_SCHEDULE_DELAY: '10',
        OTEL_TRACES_SAMPLER: 'a-slip',
      },
    })
    const token = await aduana.token()
    const said = (text: string) => logOf(aduana).filter(({ msg }) => String(msg).includes(text)).length
    for (let rounds = 0; rounds < 3; rounds += 1) {
      const { operation } = await importBy(aduana, token, {})
      assert.equal(operation.status, 'Succeeded')
      await eventually('it is told', () => said('does not take traces') > 0)
    }
    assert.equal(said('does not take traces'), 1)
    const slips = logOf(aduana).filter(({ msg }) => msg === 'OpenTelemetry')
    assert.match(JSON.stringify(slips), /a-slip/)

    await using collector = await startOtlpReceiver({ port })
    await eventually('spans come', async () => {
      await ask(aduana.httpUrl, '/nowhere')
      return collector.spans.length > 0
    })
    await eventually('that is told', () => said('takes traces again') === 1)
    assert.equal(said('does not take traces'), 1)
  })

  test('a server that stops sends what it still has, and goes on under the same request when it is back', async () => {
    await using collector = await startOtlpReceiver()
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '600000' }
    await using aduana = await startAduana({ env, flags: [...ALLOWED, '--grace', '0s'] })
    const { traceId, spanId, headers } = caller(1)
    const held: (() => void)[] = []
    const bytes = Buffer.from('comes only to the second who asks')
    const behaviour: Behaviour = (request, response) => {
      const serve = () => serveBytes(bytes)(request, response)
      if (held.push(serve) > 1) serve()
    }
    const { input } = publishUpdate(source, { files: [{ name: 'held', bytes, behaviour }] })
    const token = await aduana.token()
    const accepted = await ask(aduana.httpUrl, `${UPDATES}:import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify([input]),
    })
    await eventually('the file is held', () => held.length === 1)
    assert.deepEqual(collector.spans, [])
    assert.equal(await aduana.stop(), 0)
    await collector.trace(traceId, IMPORT, 'run import')

    await using again = await aduana.restart()
    const operation = await endOf(again, token, String(accepted.headers['operation-location']))
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
    await again.stop()
    const spans = await collector.trace(traceId, IMPORT, 'publish')
    const attempts = spans.filter(({ name }) => name === 'run import').map(({ attributes }) => attributes)
    assert.deepEqual(
      attempts.map((attributes) => [attributes['aduana.operation.attempt'], attributes['aduana.operation.outcome']]),
      [
        [1, 'parked'],
        [2, 'succeeded'],
      ],
    )
    const tree = treeOf(spans, spanId)
    assert.equal(tree.length, spans.length, 'everything hangs together')
    assert.deepEqual(
      tree.filter((line) => !line.startsWith('    ')),
      [IMPORT, '  run import', '  run import'],
    )
  })
})

test('a collector that could never get anything keeps the server from starting', async () => {
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ] as const) {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', [name]: value }
    await assert.rejects(startAduana({ env }), new RegExp(`${name}: `))
  }
})

test('without one, nothing of OpenTelemetry is loaded, and log and API have the ids all the same', async () => {
  const list = join(tmpdir(), `aduana-modules-${process.pid}`)
  const preload = new URL('../support/list-modules.ts', import.meta.url).href
  await using aduana = await startAduana({
    env: {
      NODE_OPTIONS: `--import ${preload}`,
      LIST_MODULES: list,
      OTEL_SERVICE_NAME: 'alone it means nothing',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_SDK_DISABLED: 'true',
    },
  })
  const { traceId, headers } = caller(1)
  const { operation } = await importBy(aduana, await aduana.token(), headers)
  assert.equal(operation.traceId, traceId)
  const lines = logOf(aduana).filter((line) => line.operationId === operation.operationId)
  assert.deepEqual(new Set(lines.map((line) => line.trace_id)), new Set([traceId]))
  assert.ok(lines.every((line) => line.span_id === undefined))

  const modules = await readFile(list, 'utf8')
  await rm(list)
  assert.match(modules, /node_modules\/pino\//)
  // The API alone comes along with the client library of Prometheus.
  assert.deepEqual(
    modules.split('\n').filter((url) => /adapters\/opentelemetry\/open|@opentelemetry\/(?!api\/)/.test(url)),
    [],
  )
})
