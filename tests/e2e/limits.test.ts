// How much an instance may use, what the audit log keeps, and the names that the server answers to: with the real program.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openPostgres } from '../../src/adapters/postgres/database-postgres.ts'
import { openSqlite } from '../../src/adapters/sqlite/database-sqlite.ts'
import { type ApiClient, createApiClient } from '../../src/client/api-client.ts'
import type { ApiError } from '../../src/client/api-error.ts'
import { LIMIT_PROFILES } from '../../src/domain/service-limits.ts'
import { listAudit } from '../../src/store/audit.ts'
import { startAppInMemory } from '../support/app-in-memory.ts'
import { ask } from '../support/ask.ts'
import {
  type Behaviour,
  type MisbehavingSource,
  serveBytes,
  stall,
  startSource,
} from '../support/misbehaving-source.ts'
import { eventually, importAndWait, operationEnd } from '../support/operation-end.ts'
import { publishUpdate, SIGNATURE, type UpdateRecipe } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const BYTES = Buffer.from('the bytes of a payload')
const API = '?api-version=2022-10-01'
const SOURCES = ['--allow-source', '127.0.0.0/8']

/** A file that stalls until it is let go, whenever it is asked for. */
function stalledFile() {
  const goOn = Promise.withResolvers<void>()
  let isLetGo = false
  const behaviour: Behaviour = (request, response) => {
    if (isLetGo) return serveBytes(BYTES)(request, response)
    stall(BYTES, { afterBytes: 5 })(request, response)
    goOn.promise.then(() => response.end(BYTES.subarray(5)))
  }
  return {
    files: [{ name: 'stalled.bin', bytes: BYTES, behaviour }],
    letGo() {
      isLetGo = true
      goOn.resolve()
    },
  }
}

interface Line {
  at: string
  action: string
  instance: string
  subject?: string
  address: string
  operationId?: string
  code?: string
  target?: string
}

async function auditLines({ folder }: Aduana): Promise<Line[]> {
  const text = await readFile(join(folder, 'audit.jsonl'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function isBusy(error: ApiError): true {
  assert.equal(error.status, 429)
  assert.equal(error.code, 'TooManyRequests')
  return true
}

describe('a server with the limits of the original service', () => {
  let aduana: Aduana
  let source: MisbehavingSource
  let token: string
  let blue: ApiClient
  let green: ApiClient
  const clientOf = (instance: string) => createApiClient({ baseUrl: aduana.httpUrl, token, instance, dialect: '2022' })
  const askAs = (bearer: string, path: string, method = 'GET') =>
    ask(aduana.httpUrl, path, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(method === 'POST' && { body: JSON.stringify([publishUpdate(source).input]) }),
    })
  before(async () => {
    source = await startSource()
    const instances = ['--instance', 'blue', '--instance', 'green', '--instance', 'grey']
    aduana = await startAduana({ flags: [...SOURCES, '--limits', 'azure', ...instances] })
    token = await aduana.token('--instance', 'blue', '--instance', 'green')
    blue = clientOf('blue')
    green = clientOf('green')
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  test('while 10 imports stall there is 429 for another one and for a deletion, but not in another instance', async () => {
    const there = publishUpdate(source)
    assert.equal((await importAndWait(blue, [there.input])).status, 'Succeeded')
    const stalled = stalledFile()
    const begun = await Promise.all(
      Array.from({ length: 10 }, () => blue.importUpdate([publishUpdate(source, { files: stalled.files }).input])),
    )
    await assert.rejects(blue.importUpdate([publishUpdate(source).input]), isBusy)
    await assert.rejects(blue.deleteUpdate(there.updateId), isBusy)
    const refused = await askAs(token, `/deviceUpdate/blue/updates:import${API}`, 'POST')
    assert.equal(refused.status, 429)
    assert.equal(refused.headers['retry-after'], '5')
    assert.equal(refused.headers['content-type'], 'application/problem+json; charset=utf-8')

    assert.equal((await importAndWait(green, [publishUpdate(source).input])).status, 'Succeeded')
    assert.deepEqual((await blue.getUpdate(there.updateId)).updateId, there.updateId)

    stalled.letGo()
    for (const { operationId } of begun) assert.equal((await operationEnd(blue, operationId)).status, 'Succeeded')
    const { operationId } = await blue.deleteUpdate(there.updateId)
    assert.equal((await operationEnd(blue, operationId)).status, 'Succeeded')
    assert.equal((await importAndWait(blue, [publishUpdate(source).input])).status, 'Succeeded')
  })

  test('above the rate there is 429 with the seconds to wait, for that group and that instance only', async () => {
    const list = (instance: string) => askAs(token, `/deviceUpdate/${instance}/updates/operations${API}`)
    let passed = 0
    let answer = await list('blue')
    for (; answer.status === 200 && passed < 100; passed += 1) answer = await list('blue')
    assert.equal(answer.status, 429)
    // A place comes back every 1.2 seconds.
    assert.ok(passed >= 50 && passed <= 70, `${passed} passed`)
    assert.match(String(answer.headers['retry-after']), /^[12]$/)
    assert.equal(answer.json<{ error: { code: string } }>().error.code, 'TooManyRequests')
    assert.equal((await list('green')).status, 200)
    assert.equal((await askAs(token, `/deviceUpdate/blue/updates${API}`)).status, 200)
  })

  test('the audit log tells who imported, deleted and was refused, in its file and in its table', async () => {
    const { input, updateId } = publishUpdate(source)
    const imported = await green.importUpdate([input])
    await operationEnd(green, imported.operationId)
    const deleted = await green.deleteUpdate(updateId)
    const reader = await aduana.token('--instance', 'green', '--role', 'Device Update Reader')
    assert.equal((await askAs(reader, `/deviceUpdate/green/updates:import${API}`, 'POST')).status, 403)
    assert.equal((await askAs(reader, `/deviceUpdate/grey/updates${API}`)).status, 404)
    assert.equal((await askAs(reader, `/deviceUpdate/missing/updates${API}`)).status, 404)
    const forged = `${reader.slice(0, -8)}AAAAAAAA`
    assert.equal((await askAs(forged, `/deviceUpdate/green/updates${API}`)).status, 401)
    assert.equal((await ask(aduana.httpUrl, `/deviceUpdate/green/updates${API}`)).status, 401)

    const lines = await auditLines(aduana)
    const by = { subject: 'local', address: '127.0.0.1' }
    const title = `${updateId.provider}/${updateId.name}/${updateId.version}`
    const nobody = { address: '127.0.0.1', action: 'refused', code: 'Unauthenticated', target: 'GET updates/read' }
    const expected = [
      { ...by, action: 'import', instance: 'green', operationId: imported.operationId },
      { ...by, action: 'delete', instance: 'green', operationId: deleted.operationId, target: title },
      { ...by, action: 'refused', instance: 'green', code: 'PermissionMissing', target: 'POST updates/write' },
      { ...by, action: 'refused', instance: 'grey', code: 'NotFound', target: 'GET updates/read' },
      { ...by, action: 'refused', instance: 'missing', code: 'NotFound', target: 'GET updates/read' },
      { ...nobody, instance: 'green' },
      { ...nobody, instance: 'green' },
    ]
    const told = lines.slice(-expected.length)
    assert.deepEqual(
      told.map(({ at, ...line }) => withoutTrace(line)),
      expected,
    )
    for (const { at } of told) assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000, at)

    const database =
      aduana.databaseUrl === undefined
        ? openSqlite(join(aduana.folder, 'aduana.db'), { readOnly: true })
        : openPostgres(aduana.databaseUrl)
    try {
      for (const instance of ['green', 'grey', 'missing']) {
        const kept = (await listAudit(database, { instance, limit: 5 })).map(({ id, at, ...entry }) =>
          withoutTrace(entry),
        )
        const wanted = expected.filter((line) => line.instance === instance)
        // Entries of one millisecond are in no order.
        for (const entry of wanted)
          assert.ok(
            kept.some((found) => isSame(found, entry)),
            JSON.stringify(entry),
          )
        assert.equal(kept.length, Math.min(5, wanted.length))
      }
    } finally {
      await database.close()
    }
  })

  test('neither a token nor the signature of a URL is in the audit log or in the log', async () => {
    const withSecret = `/deviceUpdate/green/updates${API}&sig=${SIGNATURE}`
    assert.equal((await askAs(`${token}x`, withSecret)).status, 401)
    assert.equal((await askAs(token, withSecret.replace('green', 'grey'))).status, 404)
    const written = `${await readFile(join(aduana.folder, 'audit.jsonl'), 'utf8')}${aduana.log()}`
    assert.ok(written.includes('"action":"import"'))
    const [header = '', payload = '', signature = ''] = token.split('.')
    for (const secret of [SIGNATURE, 'sig=', header, payload, signature]) {
      assert.ok(secret.length > 3 && !written.includes(secret), secret)
    }
  })

  test('a flood of requests without a token is refused to the last, and fills no disk', async () => {
    const before = (await auditLines(aduana)).length
    const path = `/deviceUpdate/${'x'.repeat(250)}/updates${API}`
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask(aduana.httpUrl, path)))
    assert.ok(answers.every(({ status }) => status === 401))
    const lines = await auditLines(aduana)
    // A minute may end in the middle, and then there are two times as many.
    assert.ok(lines.length - before <= 200, `${lines.length - before} lines`)
    assert.ok(lines.every(({ instance }) => instance.length <= 64))
  })

  test('plain http answers under the names of the server only, https under every name', async () => {
    const paths = ['/healthz', '/openapi.json', `/deviceUpdate/blue/updates${API}`, '/content/x/y', '/nowhere']
    for (const path of paths) {
      const authorization = `Bearer ${token}`
      const asked = (host: string) => ask(aduana.httpUrl, path, { headers: { host, authorization } })
      const { status, headers, json } = await asked('rebind.example.com')
      assert.equal(status, 421, path)
      assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
      assert.equal(json<{ error: { code: string } }>().error.code, 'UnexpectedHost')
      for (const host of ['localhost', '127.0.0.1:1', '[::1]']) assert.notEqual((await asked(host)).status, 421, host)
    }
    const ca = await readFile(join(aduana.folder, 'tls', 'ca.pem'))
    const overTls = await new Promise((resolve, reject) => {
      const options = { ca, agent: false, servername: 'localhost', headers: { host: 'rebind.example.com' } }
      get(`${aduana.httpsUrl}/healthz`, options, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      }).on('error', reject)
    })
    assert.equal(overTls, 200)
  })
})

describe('a server with limits of its own', () => {
  let aduana: Aduana
  let source: MisbehavingSource
  const QUOTAS = ['operations=2', 'providers=2', 'names=2', 'versions=2', 'updates=4', 'bytes=1000']
  before(async () => {
    source = await startSource()
    const flags = ['--instance', 'blue', '--instance', 'green', ...QUOTAS.flatMap((limit) => ['--limit', limit])]
    aduana = await startAduana({ flags: [...SOURCES, ...flags, '--public-url', 'http://updates.example.com'] })
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  test('while two imports stall, the third is refused', async () => {
    const client = await aduana.client('v2', 'blue')
    const stalled = stalledFile()
    for (let i = 0; i < 2; i += 1) await client.importUpdate([publishUpdate(source, { files: stalled.files }).input])
    await assert.rejects(client.importUpdate([publishUpdate(source).input]), isBusy)
    stalled.letGo()
    const { input } = publishUpdate(source, { name: 'Passes', provider: 'Provider' })
    await eventually('a place is free', () =>
      client.importUpdate([input]).then(
        () => true,
        (error: ApiError) => !isBusy(error),
      ),
    )
  })

  test('an import above a quota fails with the documented code, and a deletion makes room', async () => {
    const client = await aduana.client('2022', 'green')
    const importing = async (recipes: UpdateRecipe[]) => {
      const { status, error } = await importAndWait(
        client,
        recipes.map((recipe) => publishUpdate(source, recipe).input),
      )
      return status === 'Failed' ? `${error?.code} ${error?.innererror?.code}` : status
    }
    const [toaster, kettle] = [
      { provider: 'Contoso', name: 'Toaster' },
      { provider: 'Contoso', name: 'Kettle' },
    ]
    const second = { ...toaster, version: '2.0' }
    assert.equal(await importing([{ ...toaster, version: '1.0' }]), 'Succeeded')
    // A parent and its child, of which one would fit.
    const family = [
      { ...kettle, references: [second] },
      { ...second, isDeployable: false },
    ]
    assert.equal(await importing([...family, { ...toaster, version: '3.0' }]), 'UpdateLimitExceeded UpdateVersion')
    assert.equal(await importing(family), 'Succeeded')
    assert.equal(await importing([{ ...toaster, version: '3.0' }]), 'UpdateLimitExceeded UpdateVersion')
    assert.equal(await importing([{ provider: 'Contoso', name: 'Lamp' }]), 'UpdateLimitExceeded UpdateName')
    const large = [{ name: 'large.bin', bytes: Buffer.alloc(1000) }]
    assert.equal(await importing([{ provider: 'Fabrikam', files: large }]), 'UpdateLimitExceeded StorageTotal')
    assert.equal(await importing([{ provider: 'Fabrikam' }]), 'Succeeded')
    assert.equal(await importing([{ provider: 'Tailspin' }]), 'UpdateLimitExceeded UpdateProvider')
    assert.equal(await importing([{ provider: 'Fabrikam', version: '2.0' }]), 'UpdateLimitExceeded UpdateTotal')

    const { operationId } = await client.deleteUpdate({ ...toaster, version: '1.0' })
    assert.equal((await operationEnd(client, operationId)).status, 'Succeeded')
    assert.equal(await importing([{ provider: 'Fabrikam', version: '2.0' }]), 'Succeeded')
  })

  test('the host of --public-url is a name of the server', async () => {
    const asked = (host: string) => ask(aduana.httpUrl, '/healthz', { headers: { host } })
    assert.equal((await asked('updates.example.com')).status, 200)
    assert.equal((await asked('other.example.com')).status, 421)
  })
})

test('an instance at its rate still serves health, content and other instances', async () => {
  const limits = { requests: LIMIT_PROFILES.azure.requests ?? 0, 'list-operations': 1 }
  await using app = await startAppInMemory({ instances: ['blue', 'green'], limits })
  const list = (instance: string) => app.fastify.inject(as(`/deviceUpdate/${instance}/updates${API}`))
  const as = (url: string) => ({ url, headers: { authorization: 'Bearer DeviceUpdateReader' } })
  for (let i = 0; i < limits.requests; i += 1) assert.equal((await list('blue')).statusCode, 200)
  let answer = await list('blue')
  // What came back while these were asked.
  for (let i = 0; answer.statusCode === 200 && i < limits.requests; i += 1) answer = await list('blue')
  assert.equal(answer.statusCode, 429)
  assert.equal(answer.headers['retry-after'], '1')

  assert.equal((await list('green')).statusCode, 200)
  for (let i = 0; i < 600; i += 1) assert.equal((await app.fastify.inject('/healthz')).statusCode, 200)
  for (let i = 0; i < 600; i += 1) assert.equal((await app.fastify.inject('/content/none/none')).statusCode, 404)
  // Who may not come in takes nobody's place.
  for (let i = 0; i < 600; i += 1) {
    const { statusCode } = await app.fastify.inject(`/deviceUpdate/green/updates${API}`)
    assert.equal(statusCode, 401)
  }
  assert.equal((await list('green')).statusCode, 200)
})

function withoutTrace<Entry extends object>(entry: Entry) {
  const { traceId, issuer, ...rest } = entry as Entry & { traceId?: string; issuer?: string }
  assert.match(String(traceId), /^[0-9a-f]{32}$/)
  if ('subject' in rest) assert.match(String(issuer), /^urn:aduana:/)
  return rest
}

function isSame(a: object, b: object): boolean {
  const sorted = (entry: object) => JSON.stringify(Object.entries(entry).sort())
  return sorted(a) === sorted(b)
}
