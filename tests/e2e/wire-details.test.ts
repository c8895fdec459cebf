// What official clients do on the wire besides the fifteen facts, and what no client should be able to do.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { Operation, OperationError, Update } from '../../src/client/api-types.ts'
import { type AppInMemory, startAppInMemory } from '../support/app-in-memory.ts'
import type { Answered } from '../support/ask.ts'
import { SHA256 } from '../support/import-manifests.ts'
import { COMPONENTS, OPERATIONS, seedEveryState, toaster } from '../support/seed-every-state.ts'
import { addressOf, pathOf, WIRE_DIALECTS } from '../support/wire-dialects.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`
const MADE_TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/

const BODY = JSON.stringify([
  {
    importManifest: { url: 'https://contoso.example/manifest.json', sizeInBytes: 816, hashes: { sha256: SHA256 } },
    files: [{ filename: 'toaster.swu', url: 'https://contoso.example/toaster.swu' }],
  },
])

const UPDATES = '/deviceUpdate/default/updates'
const IMPORT = `${UPDATES}:import?api-version=2022-10-01`

let app: AppInMemory
before(async () => {
  app = await startAppInMemory({ instances: ['default', 'many'] })
  await seedEveryState(app.database, { traceId: TRACE_ID, instanceWithMany: 'many' })
})
after(() => app[Symbol.asyncDispose]())

function post(headers: Record<string, string>, body: string | Uint8Array = BODY): Promise<Answered> {
  return app.ask(IMPORT, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

const errorOf = (answer: Answered) => answer.json<{ error: OperationError }>().error

describe('traces', () => {
  test('a traceparent comes back with every kind of answer', async () => {
    const paths = [UPDATES, UPDATES + pathOf(toaster('9.9')), '/nowhere', '/%zz', '/deviceUpdate/default/management/x']
    for (const path of paths) {
      for (const role of ['DeviceUpdateReader', '']) {
        const { headers } = await app.ask(path, { role, headers: { traceparent: TRACEPARENT } })
        assert.equal(headers.traceparent, TRACEPARENT, path)
      }
    }
  })

  test('one is made where the caller has none or a bad one', async () => {
    for (const headers of [{}, { traceparent: 'x' }, { traceparent: TRACEPARENT.replace('00-', 'ff-') }]) {
      assert.match(String((await app.ask(UPDATES, { headers })).headers.traceparent), MADE_TRACEPARENT)
    }
  })

  test('an operation belongs to the trace of the request that began it', async () => {
    const { headers } = await post({ traceparent: TRACEPARENT })
    const operation = (await app.ask(String(headers['operation-location']))).json<Operation>()
    assert.equal(operation.traceId, TRACE_ID)
  })

  test('x-ms-client-request-id is not echoed, as recorded', async () => {
    const asked = { 'x-ms-client-request-id': 'abc', 'x-ms-return-client-request-id': 'true' }
    assert.equal((await app.ask(UPDATES, { headers: asked })).headers['x-ms-client-request-id'], undefined)
  })
})

describe('headers of a request', () => {
  test('If-None-Match on an import or a deletion changes nothing', async () => {
    const { headers } = await app.ask(UPDATES + pathOf(toaster('2.0')))
    for (const tag of ['*', String(headers.etag), '"other"']) {
      assert.equal((await post({ 'if-none-match': tag })).status, 202)
      const deletion = { method: 'DELETE', headers: { 'if-none-match': tag } }
      assert.equal((await app.ask(UPDATES + pathOf(toaster('2.0')), deletion)).status, 202)
    }
  })

  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json;odata=verbose',
    'application/problem+json',
    'text/json',
  ]) {
    test(`a body of the type ${type} is read`, async () => {
      const answer = await post({ 'content-type': type })
      assert.equal(answer.status, 202, answer.text)
    })
  }

  for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'application/jsonp', 'x']) {
    test(`a body of the type ${type} is refused with 415`, async () => {
      const answer = await post({ 'content-type': type })
      assert.equal(answer.status, 415)
      assert.match(errorOf(answer).message, /application\/json/)
    })
  }

  test('whatever a caller accepts, it gets JSON', async () => {
    for (const accept of ['*/*', 'application/json', 'text/html', '']) {
      const { headers } = await app.ask(UPDATES, { headers: { accept } })
      assert.equal(headers['content-type'], 'application/json; charset=utf-8')
    }
  })

  for (const authorization of ['', 'Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz', 'Bearer a b', 'Bearer forged']) {
    test(`"Authorization: ${authorization}" is refused with 401 and what would be taken`, async () => {
      const answer = await app.ask(UPDATES, { role: '', headers: { authorization } })
      assert.equal(answer.status, 401)
      assert.match(String(answer.headers['www-authenticate']), /^Bearer /)
      assert.equal(errorOf(answer).code, 'Unauthenticated')
    })
  }

  test('bearer may be written in any letter case', async () => {
    const headers = { authorization: 'bearer DeviceUpdateReader' }
    assert.equal((await app.ask(UPDATES, { role: '', headers })).status, 200)
  })
})

describe('bodies', () => {
  test('one that begins with a byte order mark is read', async () => {
    assert.equal((await post({}, `\ufeff${BODY}`)).status, 202)
  })

  test('one with the line ends and blanks of Windows tools is read', async () => {
    const body = JSON.stringify(JSON.parse(BODY), null, 4).replaceAll('\n', '\r\n')
    assert.equal((await post({}, `${body}\r\n`)).status, 202)
  })

  test('one sent in chunks is read', async () => {
    assert.equal((await post({ 'transfer-encoding': 'chunked' })).status, 202)
  })

  test('none is needed for a deletion, even if JSON is declared', async () => {
    for (const length of [{}, { 'content-length': '0' }]) {
      const headers = { 'content-type': 'application/json', ...length }
      assert.equal((await app.ask(UPDATES + pathOf(toaster('2.0')), { method: 'DELETE', headers })).status, 202)
    }
  })

  const bad: [string, string | Uint8Array][] = [
    ['that is empty', ''],
    ['that is cut off', BODY.slice(0, -5)],
    ['that is not UTF-8', Buffer.concat([Buffer.from('["'), Buffer.from([0xff, 0xfe]), Buffer.from('"]')])],
    ['that is UTF-16', Buffer.from(`\ufeff${BODY}`, 'utf16le')],
    ['that nests deeply', '['.repeat(200_000)],
    ['that nests deeply and is whole', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
  ]
  for (const [title, body] of bad) {
    test(`one ${title} is refused with 400`, async () => {
      const answer = await post({}, body)
      assert.equal(answer.status, 400, answer.text.slice(0, 200))
      assert.ok(answer.text.length < 20_000)
    })
  }

  test('one over 1 MiB is refused with 413, with and without a length stated beforehand', async () => {
    const body = ' '.repeat(1024 * 1024 + 1)
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      // The server may close the connection before it has read everything.
      const answer = await post(headers, body).catch((error: NodeJS.ErrnoException) => error)
      if (answer instanceof Error) assert.match(String(answer.code), /ECONNRESET|EPIPE/)
      else assert.equal(answer.status, 413)
    }
  })
})

describe('addresses', () => {
  test('match in any letter case and with a slash at the end; answers keep the case of the import', async () => {
    const { operationId } = (await app.ask(`${UPDATES}/operations/${OPERATIONS.succeeded}`)).json<Operation>()
    assert.equal(operationId, OPERATIONS.succeeded)
    for (const path of [
      '/deviceupdate/default/updates/providers/contoso/names/toaster/versions/4.0',
      '/DEVICEUPDATE/default/UPDATES/PROVIDERS/CONTOSO/NAMES/TOASTER/VERSIONS/4.0/',
      '/DeviceUpdate/default/V2/Updates/Providers/Contoso/Names/Toaster/Versions/04.00',
    ]) {
      assert.deepEqual((await app.ask(path)).json<Update>().updateId, toaster('4.0'), path)
    }
    assert.equal(
      (await app.ask(`/deviceupdate/default/Updates/Operations/${OPERATIONS.running.toUpperCase()}`)).status,
      200,
    )
  })

  test('have query options whose names are escaped, as the JavaScript client of 2026 writes api%2Dversion', async () => {
    const address = `${UPDATES}/operations/${OPERATIONS.succeeded}`
    assert.ok('updateId' in (await app.ask(`${address}?api%2Dversion=2021-06-01-preview`)).json())
    assert.ok('update' in (await app.ask(`${address}?api%2Dversion=2026-06-01`)).json())
    const { value } = (await app.ask(`${UPDATES}/operations?%24t%6Fp=1`)).json<{ value: unknown[] }>()
    assert.equal(value.length, 1)
  })

  test('keep an api-version that is newer than the server in every link', async () => {
    for (const version of ['2022-07-01-preview', '2026-06-01', '2031-12-31', '2031-12-31-preview']) {
      const query = `?api-version=${version}`
      const { headers } = await app.ask(`${UPDATES}:import${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: BODY,
      })
      assert.ok(String(headers['operation-location']).endsWith(query))
      const { resourceLocation } = (
        await app.ask(`${UPDATES}/operations/${OPERATIONS.succeededParentAndChild}${query}`)
      ).json<Operation>()
      assert.equal(resourceLocation, UPDATES + pathOf(COMPONENTS) + query)
      const many = await app.ask(`/deviceUpdate/many/updates${query}`)
      assert.match(many.json<{ nextLink: string }>().nextLink, new RegExp(`[?]api-version=${version}&`))
    }
  })

  for (const version of ['', '1', '2020-09-01', 'latest', '2022-13', '%00', '{x}']) {
    test(`with api-version=${version} are refused with the versions that work`, async () => {
      for (const path of ['', '/providers', `/operations/${OPERATIONS.succeeded}`]) {
        const answer = await app.ask(`${UPDATES}${path}?api-version=${version}`)
        assert.equal(answer.status, 400)
        assert.equal(errorOf(answer).code, 'UnsupportedApiVersion')
        assert.match(errorOf(answer).message, /2022-10-01, 2021-06-01-preview/)
      }
    })
  }

  test('with an option twice are refused, since nobody can know which one was meant', async () => {
    for (const query of [
      'api-version=2022-10-01&api-version=2021-06-01-preview',
      'filter=a&$filter=b',
      'top=1&top=1',
    ]) {
      assert.equal((await app.ask(`${UPDATES}/operations?${query}`)).status, 400, query)
    }
  })

  test('of the management half answer 501 with the error form that clients read, whatever the method and body', async () => {
    const paths = ['groups', 'groups/$default/deployments/x:cancel', 'devices:import', 'deviceClasses/a/b']
    for (const base of ['/deviceUpdate/default/management', '/deviceupdate/default/v2/management']) {
      for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE']) {
        for (const path of paths) {
          const answer = await app.ask(`${base}/${path}?api-version=2022-10-01`, {
            method,
            headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
            ...(method.startsWith('P') && { body: '"All"' }),
          })
          assert.equal(answer.status, 501, `${method} ${base}/${path}`)
          assert.equal(answer.json<{ status: number }>().status, 501)
          assert.equal(errorOf(answer).code, 'NotImplemented')
        }
      }
    }
  })

  test('of an instance that is not there answer like those of one in which the caller has no role', async () => {
    for (const path of ['/updates', `/updates/operations/${OPERATIONS.succeeded}`, '/v2/updates/providers']) {
      const unknown = await app.ask(`/deviceUpdate/elsewhere${path}`, { headers: { traceparent: TRACEPARENT } })
      const foreign = await app.ask(`/deviceUpdate/default${path}`, {
        role: 'Nobody',
        headers: { traceparent: TRACEPARENT },
      })
      assert.equal(unknown.status, 404)
      assert.deepEqual([foreign.status, foreign.text], [unknown.status, unknown.text])
      assert.deepEqual(Object.keys(foreign.headers), Object.keys(unknown.headers))
    }
  })

  test('of one instance never show what is in another', async () => {
    for (const path of [
      `/operations/${OPERATIONS.succeeded}`,
      pathOf(toaster('5.0')),
      `${pathOf(toaster('5.0'))}/files`,
    ]) {
      assert.equal((await app.ask(`/deviceUpdate/many/updates${path}`)).status, 404, path)
    }
  })

  for (const path of [
    '/%',
    '/%zz',
    '/%c0%ae',
    '//',
    '/deviceUpdate//updates',
    '/deviceUpdate/%00/updates',
    `/deviceUpdate/${'a'.repeat(1000)}/updates`,
    `${UPDATES}/providers/%00/names`,
    `${UPDATES}/providers/%EF%BF%BF/names`,
    `${UPDATES}/providers/${'a'.repeat(5000)}/names`,
    `${UPDATES}/providers/..%2F..%2Fetc/names`,
    `${UPDATES}/providers/a/names/b/versions/${'9'.repeat(200)}`,
    `${UPDATES}/providers/a/names/b/versions/-1.0`,
    `${UPDATES}/operations/%3F`,
    `${UPDATES}/operations/${'a'.repeat(300)}`,
    `${UPDATES}/operations/%00`,
    `${UPDATES}?search=%00&filter=`,
    `${UPDATES}?search=${'%F0%9F%98%80'.repeat(500)}`,
    `${UPDATES}?search=%ff%fe`,
    `${UPDATES}?search=${'a%20'.repeat(2000)}`,
    `${UPDATES}?%=%&&&==&[a]=1`,
    '/content/x/y',
    `/content/${'a'.repeat(32)}/%00`,
    '/docs/..%2f..%2fpackage.json',
  ]) {
    test(`${path.slice(0, 70)} is no mistake of the server`, async () => {
      const { status, headers, text } = await app.ask(path)
      // This server has no portal, and says so in its place.
      assert.ok(status < 500 || text.includes('The portal is not built'), String(status))
      assert.ok(headers.traceparent !== undefined)
    })
  }
})

describe('answers', () => {
  test('to HEAD have the headers of those to GET, and no body', async () => {
    const paths = [
      '',
      '/providers',
      pathOf(toaster('4.0')),
      `/operations/${OPERATIONS.running}`,
      pathOf(toaster('9.9')),
    ]
    for (const path of paths) {
      const headers = { traceparent: TRACEPARENT }
      const get = await app.ask(UPDATES + path, { headers })
      const head = await app.ask(UPDATES + path, { method: 'HEAD', headers })
      assert.deepEqual([head.status, head.text], [get.status, ''])
      const { date: _, ...expected } = get.headers
      assert.partialDeepStrictEqual(head.headers, expected)
    }
  })

  test('have times in UTC with seven digits behind the second, as recorded', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const operation = (await app.ask(addressOf(dialect, `/operations/${OPERATIONS.failedFile}`))).json<Operation>()
      const update = (await app.ask(addressOf(dialect, pathOf(toaster('4.0'))))).json<Update>()
      const times = [operation.createdDateTime, operation.lastActionDateTime, update.importedDateTime]
      for (const time of [...times, operation.error?.occurredDateTime]) {
        assert.match(time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/)
      }
    }
  })

  test('leave a connection usable for the next request, also after a refusal', async () => {
    const { port } = new URL(app.url)
    const socket = connect(Number(port), '127.0.0.1')
    const head = 'Host: localhost\r\nAuthorization: Bearer DeviceUpdateReader\r\n'
    socket.write(`GET ${UPDATES}/providers HTTP/1.1\r\n${head}\r\n`)
    socket.write(`GET ${UPDATES}${pathOf(toaster('9.9'))} HTTP/1.1\r\n${head}\r\n`)
    socket.write(`POST ${IMPORT} HTTP/1.1\r\n${head}Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc`)
    socket.write(`GET ${UPDATES}/providers HTTP/1.1\r\n${head}Connection: close\r\n\r\n`)
    const statuses = [...(await text(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    assert.deepEqual(statuses, ['200', '404', '403', '200'])
  })

  test('need no more than the role that the operation is for', async () => {
    const reads = [
      UPDATES,
      `${UPDATES}/operations`,
      UPDATES + pathOf(toaster('4.0')),
      `/aduana/v1/default${'/updates'}${pathOf(toaster('4.0'))}`,
    ]
    for (const role of ['DeviceUpdateReader', 'DeviceUpdateContentReader', 'DeviceUpdateDeploymentsAdministrator']) {
      for (const path of reads) assert.equal((await app.ask(path, { role })).status, 200, `${role} ${path}`)
      const deletion = await app.ask(UPDATES + pathOf(toaster('4.0')), { role, method: 'DELETE' })
      const imported = await app.ask(IMPORT, {
        role,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: BODY,
      })
      for (const answer of [deletion, imported]) {
        assert.equal(answer.status, 403, role)
        assert.equal(errorOf(answer).code, 'PermissionMissing')
      }
    }
  })
})
