import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createApiClient } from './api-client.ts'
import { ApiError } from './api-error.ts'
import type { Dialect, ImportUpdateInput, Operation } from './api-types.ts'

interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: unknown
}

/** A server that writes down what it is asked and gives the prepared answers in turn; then 404. */
async function startRecorder(answers: Answer[]) {
  const requests: string[] = []
  const bodies: unknown[] = []
  const tokens = new Set<string | undefined>()
  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    tokens.add(request.headers.authorization)
    const text = Buffer.concat(await request.toArray()).toString()
    if (text !== '') {
      assert.equal(request.headers['content-type'], 'application/json')
      bodies.push(JSON.parse(text))
    }
    const { status = 200, headers = {}, body } = answers.shift() ?? { status: 404 }
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    requests,
    bodies,
    tokens,
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

function clientFor(recorder: { baseUrl: string }, dialect: Dialect) {
  return createApiClient({ baseUrl: recorder.baseUrl, token: 'secret', instance: 'blue', dialect })
}

const UPDATE = { provider: 'Contoso', name: 'Toaster', version: '1.0' }

const INPUT: ImportUpdateInput = {
  importManifest: { url: 'http://127.0.0.1/manifest.json', sizeInBytes: 816, hashes: { sha256: 'O19L' } },
  files: [{ filename: 'file1.bin', url: 'http://127.0.0.1/file1' }],
}

const DATES = { createdDateTime: '2026-01-01T00:00:00Z', lastActionDateTime: '2026-01-01T00:00:00Z' }

const RUNNING: Operation = { operationId: 'op1', status: 'Running', ...DATES }

test('importing posts to the address and in the shape of the dialect, and reads the operation from its location', async () => {
  const cases: [Dialect, string, unknown, string][] = [
    ['v2', '/deviceupdate/blue/v2/updates?action=import', INPUT, '/deviceupdate/blue/v2/updates/operations/op1'],
    [
      '2021',
      '/deviceupdate/blue/updates?action=import&api-version=2021-06-01-preview',
      [INPUT],
      '/deviceupdate/blue/updates/operations/op1?api-version=2021-06-01-preview',
    ],
    [
      '2022',
      '/deviceUpdate/blue/updates:import?api-version=2022-10-01',
      [INPUT],
      '/deviceUpdate/blue/updates/operations/op1?api-version=2022-10-01',
    ],
  ]
  for (const [dialect, path, body, location] of cases) {
    await using recorder = await startRecorder([{ status: 202, headers: { 'operation-location': location } }])
    const accepted = await clientFor(recorder, dialect).importUpdate([INPUT])
    assert.deepEqual(recorder.requests, [`POST ${path}`])
    assert.deepEqual(recorder.bodies, [body])
    assert.deepEqual([...recorder.tokens], ['Bearer secret'])
    assert.deepEqual(accepted, { operationId: 'op1', operationLocation: location })
  }
})

test('the v2 dialect refuses several inputs before it asks the server', async () => {
  await using recorder = await startRecorder([])
  await assert.rejects(clientFor(recorder, 'v2').importUpdate([INPUT, INPUT]), RangeError)
  assert.deepEqual(recorder.requests, [])
})

test('every reading operation asks for its own address', async () => {
  const page = { body: { value: [] } }
  await using recorder = await startRecorder([
    { body: {} },
    { body: {} },
    { body: RUNNING },
    page,
    page,
    page,
    page,
    page,
    page,
  ])
  const client = clientFor(recorder, '2022')
  await client.getUpdate({ ...UPDATE, name: 'a b/c' })
  await client.getFile({ updateId: UPDATE, fileId: 'f1' })
  await client.getOperation('op1')
  await Array.fromAsync(client.listProviders())
  await Array.fromAsync(client.listNames('Contoso'))
  await Array.fromAsync(client.listVersions({ provider: 'Contoso', name: 'Toaster', filter: 'isDeployable eq false' }))
  await Array.fromAsync(client.listFiles(UPDATE))
  await Array.fromAsync(client.listOperations({ filter: "status eq 'Running'", top: 5 }))
  await Array.fromAsync(client.listUpdates({ search: 'toast', filter: 'isDeployable eq true' }))
  const updates = '/deviceUpdate/blue/updates'
  const toaster = `${updates}/providers/Contoso/names/Toaster`
  assert.deepEqual(recorder.requests, [
    `GET ${updates}/providers/Contoso/names/a%20b%2Fc/versions/1.0?api-version=2022-10-01`,
    `GET ${toaster}/versions/1.0/files/f1?api-version=2022-10-01`,
    `GET ${updates}/operations/op1?api-version=2022-10-01`,
    `GET ${updates}/providers?api-version=2022-10-01`,
    `GET ${updates}/providers/Contoso/names?api-version=2022-10-01`,
    `GET ${toaster}/versions?filter=isDeployable%20eq%20false&api-version=2022-10-01`,
    `GET ${toaster}/versions/1.0/files?api-version=2022-10-01`,
    `GET ${updates}/operations?filter=status%20eq%20%27Running%27&top=5&api-version=2022-10-01`,
    `GET ${updates}?search=toast&filter=isDeployable%20eq%20true&api-version=2022-10-01`,
  ])
})

test('what is shown to people is asked for page by page, beside the paths of the original service', async () => {
  const first = { value: ['a'], nextLink: '/next?skipToken=x' }
  const answers: Answer[] = [{ body: first }, { body: { value: ['b'] } }]
  await using recorder = await startRecorder([
    ...answers,
    { body: first },
    { body: {} },
    { body: '\ufeff{ "a": 1.0 }' },
  ])
  const client = clientFor(recorder, '2022')
  const page = await client.pages.audit({ operation: 'op1', target: 'Contoso/Toaster/1.0' })
  assert.deepEqual((await client.pages.next(page)).value, ['b'])
  await client.pages.updates({ search: 'toast' })
  await client.getUsage()
  assert.match(await client.getImportManifest(UPDATE), /"a": 1\.0/)
  await assert.rejects(client.pages.next({ value: [] }), RangeError)
  const own = '/aduana/v1/blue'
  assert.deepEqual(recorder.requests, [
    `GET ${own}/audit?operation=op1&target=Contoso%2FToaster%2F1.0`,
    'GET /next?skipToken=x',
    'GET /deviceUpdate/blue/updates?search=toast&api-version=2022-10-01',
    `GET ${own}/usage`,
    `GET ${own}/updates/providers/Contoso/names/Toaster/versions/1.0/manifest`,
  ])
})

test('query options have a $ in the older dialects, and v2 has no api-version', async () => {
  const page = { body: { value: [] } }
  await using recorder = await startRecorder([page, page])
  await Array.fromAsync(clientFor(recorder, 'v2').listOperations({ top: 1 }))
  await Array.fromAsync(clientFor(recorder, '2021').listUpdates({ search: 'toast' }))
  assert.deepEqual(recorder.requests, [
    'GET /deviceupdate/blue/v2/updates/operations?$top=1',
    'GET /deviceupdate/blue/updates?$search=toast&api-version=2021-06-01-preview',
  ])
})

test('the address with content is the same in every dialect', async () => {
  await using recorder = await startRecorder([{ body: {} }, { body: {} }])
  await clientFor(recorder, 'v2').getUpdateWithContent(UPDATE)
  await clientFor(recorder, '2022').getUpdateWithContent(UPDATE)
  const path = 'GET /aduana/v1/blue/updates/providers/Contoso/names/Toaster/versions/1.0'
  assert.deepEqual(recorder.requests, [path, path])
})

test('deleting is accepted as an operation', async () => {
  const location = '/deviceUpdate/blue/updates/operations/op2?api-version=2022-10-01'
  await using recorder = await startRecorder([{ status: 202, headers: { 'operation-location': location } }])
  const { operationId } = await clientFor(recorder, '2022').deleteUpdate(UPDATE)
  assert.equal(operationId, 'op2')
  assert.deepEqual(recorder.requests, [
    'DELETE /deviceUpdate/blue/updates/providers/Contoso/names/Toaster/versions/1.0?api-version=2022-10-01',
  ])
})

test('lists follow relative and absolute links to the last page, as they stand', async () => {
  const answers: Answer[] = [{ body: { value: ['a', 'b'], nextLink: '/next?$skipToken=x_1' } }]
  await using recorder = await startRecorder(answers)
  answers.push({ body: { value: ['c'], nextLink: `${recorder.baseUrl}/last` } }, { body: { value: ['d'] } })
  assert.deepEqual(await Array.fromAsync(clientFor(recorder, '2022').listProviders()), ['a', 'b', 'c', 'd'])
  assert.deepEqual(recorder.requests.slice(1), ['GET /next?$skipToken=x_1', 'GET /last'])
})

test('leaving a list early asks for no further page', async () => {
  await using recorder = await startRecorder([{ body: { value: ['a', 'b'], nextLink: '/next' } }])
  for await (const provider of clientFor(recorder, '2022').listProviders()) {
    assert.equal(provider, 'a')
    break
  }
  assert.equal(recorder.requests.length, 1)
})

test('a check is asked for and followed beside the paths of the original service, in whatever dialect', async () => {
  const location = '/aduana/v1/blue/operations/op1'
  const accepted = { status: 202, headers: { 'operation-location': location } }
  const ended = { operationId: 'op1', kind: 'check', status: 'Succeeded', updates: [], files: [], warnings: [] }
  await using recorder = await startRecorder([
    accepted,
    accepted,
    { body: { ...ended, status: 'Running' }, headers: { 'retry-after': '0' } },
    { body: ended },
  ])
  const client = clientFor(recorder, 'v2')
  assert.deepEqual(await client.checkUpdate([INPUT, INPUT]), { operationId: 'op1', operationLocation: location })
  await client.checkUpdate([INPUT], { deep: true })
  const polled: string[] = []
  assert.deepEqual(await client.waitForProgress('op1', { onPoll: ({ status }) => polled.push(status) }), ended)
  assert.deepEqual(polled, ['Running', 'Succeeded'])
  assert.deepEqual(recorder.requests, [
    'POST /aduana/v1/blue/updates:check?deep=false',
    'POST /aduana/v1/blue/updates:check?deep=true',
    `GET ${location}`,
    `GET ${location}`,
  ])
  assert.deepEqual(recorder.bodies, [[INPUT, INPUT], [INPUT]])
})

test('a rescan is asked for and looked at beside the paths of the original service', async () => {
  const rescan = { total: 1, remaining: 1 }
  await using recorder = await startRecorder([
    { status: 202, body: rescan },
    { status: 202, body: rescan },
    { body: rescan },
  ])
  const client = clientFor(recorder, '2021')
  assert.deepEqual(await client.startRescan(), rescan)
  await client.startRescan({ everything: true })
  assert.deepEqual(await client.getRescan(), rescan)
  const path = '/aduana/v1/blue/rescan'
  assert.deepEqual(recorder.requests, [`POST ${path}`, `POST ${path}`, `GET ${path}`])
  assert.deepEqual(recorder.bodies, [{ everything: false }, { everything: true }])
})

test('the token never follows a link to another server', async () => {
  await using other = await startRecorder([{ body: { value: ['b'] } }])
  await using recorder = await startRecorder([{ body: { value: ['a'], nextLink: `${other.baseUrl}/next` } }])
  await assert.rejects(Array.fromAsync(clientFor(recorder, '2022').listProviders()), /another server/)
  assert.deepEqual(other.requests, [])
})

test('a token that is a function is asked for with every request, since tokens end', async () => {
  await using recorder = await startRecorder([{ body: {} }, { body: {} }])
  let asked = 0
  const token = async () => `token ${++asked}`
  const client = createApiClient({ baseUrl: recorder.baseUrl, token, instance: 'blue', dialect: '2022' })
  await client.getUpdate(UPDATE)
  await client.getUpdate(UPDATE)
  assert.deepEqual([...recorder.tokens], ['Bearer token 1', 'Bearer token 2'])
})

test('waiting keeps to Retry-After, shows every state and answers the one at the end, failed or not', async () => {
  const error = { code: 'CannotProcessImportManifest', message: 'Error processing import manifest.' }
  const failed: Operation = { operationId: 'op1', status: 'Failed', error, ...DATES }
  const atOnce = { headers: { 'retry-after': '0' }, body: { ...RUNNING, status: 'NotStarted' } }
  const later = { headers: { 'retry-after': '2' }, body: RUNNING }
  await using recorder = await startRecorder([atOnce, atOnce, atOnce, later, { body: failed }])
  const seen: string[] = []
  const begun = performance.now()
  const ended = await clientFor(recorder, '2022').waitForOperation('op1', { onPoll: ({ status }) => seen.push(status) })
  const tookMs = performance.now() - begun
  assert.deepEqual(ended, failed)
  assert.deepEqual(seen, ['NotStarted', 'NotStarted', 'NotStarted', 'Running', 'Failed'])
  assert.ok(tookMs >= 1990 && tookMs < 4500, `${tookMs} ms for Retry-After of 0, 0, 0 and 2 seconds`)
})

test('waiting takes Retry-After as a date, and waits a second where it is missing', async () => {
  const past = { headers: { 'retry-after': new Date(0).toUTCString() }, body: RUNNING }
  const succeeded: Operation = { ...RUNNING, status: 'Succeeded' }
  await using recorder = await startRecorder([past, past, past, { body: RUNNING }, { body: succeeded }])
  const begun = performance.now()
  await clientFor(recorder, '2022').waitForOperation('op1')
  const tookMs = performance.now() - begun
  assert.ok(tookMs >= 990 && tookMs < 3500, `${tookMs} ms for three dates in the past and no header`)
})

test('waiting gives up at its timeout, not at the next Retry-After', async () => {
  const running = { headers: { 'retry-after': '600' }, body: RUNNING }
  await using recorder = await startRecorder([running, running, running])
  await assert.rejects(
    clientFor(recorder, '2022').waitForOperation('op1', { timeoutMs: 50 }),
    /Operation op1 is still Running after 50 ms/,
  )
})

test('an answer that is no success is thrown with its status, code, message and body', async () => {
  const both = { title: 'Not Found', status: 404, error: { code: 'NotFound', message: 'There is no such update.' } }
  await using recorder = await startRecorder([
    { status: 404, body: both },
    { status: 404, body: { title: 'Not Found', status: 404 } },
    { status: 502, body: '<html>Bad gateway</html>' },
  ])
  const client = clientFor(recorder, '2022')
  const thrown = async () => {
    const error = await client.getUpdate(UPDATE).catch((error: unknown) => error)
    assert.ok(error instanceof ApiError)
    return { status: error.status, code: error.code, message: error.message, body: error.body }
  }
  assert.deepEqual(await thrown(), { status: 404, ...both.error, body: both })
  assert.deepEqual(await thrown(), {
    status: 404,
    code: 'Http404',
    message: 'Not Found',
    body: { title: 'Not Found', status: 404 },
  })
  assert.deepEqual(await thrown(), {
    status: 502,
    code: 'Http502',
    message: 'The server answered with status 502.',
    body: '<html>Bad gateway</html>',
  })
})
