// What Prometheus sees of a server, with the real program.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { startAppInMemory } from '../support/app-in-memory.ts'
import { ask } from '../support/ask.ts'
import { freePort } from '../support/free-port.ts'
import { answerStatus, type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { eventually, importAndWait, operationEnd } from '../support/operation-end.ts'
import { publishUpdate, SIGNATURE } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const API = '?api-version=2022-10-01'
const PAYLOAD_BYTES = 32 * 1024 * 1024

/** Series with their labels, in alphabetical order, and their values. */
function seriesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      assert.ok(name, line)
      const sorted = (labels.match(/\w+="[^"]*"/g) ?? []).sort().join(' ')
      return [sorted === '' ? name : `${name} ${sorted}`, Number(value)]
    }),
  )
}

describe('a server with --metrics', () => {
  let aduana: Aduana
  let source: MisbehavingSource
  let metricsUrl: string
  const series = async () => seriesIn((await ask(metricsUrl, '/metrics')).text)
  const valueNow = async (name: string) => (await series()).get(name) ?? 0

  before(async () => {
    source = await startSource()
    const port = await freePort()
    metricsUrl = `http://127.0.0.1:${port}`
    aduana = await startAduana({
      flags: ['--allow-source', '127.0.0.0/8', '--metrics', `127.0.0.1:${port}`, '--limit', 'requests=1000000'],
    })
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  test('answers metrics and health there, to everybody and under every name, and nothing else', async () => {
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      assert.equal((await ask(metricsUrl, path, { headers: { host: 'aduana.monitoring.svc' } })).status, 200, path)
    }
    const { headers, text } = await ask(metricsUrl, '/metrics')
    assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
    for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds', 'process_open_fds']) {
      assert.match(text, new RegExp(`^${name} \\d`, 'm'))
    }
    for (const path of ['/', '/docs', '/openapi.json', `/deviceUpdate/default/updates${API}`, '/content/a/b']) {
      assert.equal((await ask(metricsUrl, path)).status, 404, path)
    }
    const authorization = `Bearer ${await aduana.token()}`
    const { status } = await ask(metricsUrl, `/deviceUpdate/default/updates${API}`, { headers: { authorization } })
    assert.equal(status, 404)
  })

  test('counts imports, deletions, what was stored and what was downloaded', async () => {
    const client = await aduana.client()
    const files = [{ name: 'large.bin', bytes: Buffer.alloc(PAYLOAD_BYTES, 'x') }]
    const good = publishUpdate(source, { files })
    assert.equal((await importAndWait(client, [good.input])).status, 'Succeeded')
    const lost = publishUpdate(source, { manifestBehaviour: answerStatus(404) })
    assert.equal((await importAndWait(client, [lost.input])).status, 'Failed')

    const { provider, name, version } = good.updateId
    const path = `/aduana/v1/default/updates/providers/${provider}/names/${name}/versions/${version}`
    const headers = { authorization: `Bearer ${await aduana.token()}` }
    const update = (await ask(aduana.httpUrl, path, { headers })).json<{ files: { contentUrl: string }[] }>()
    const content = new URL(update.files[0]?.contentUrl ?? '').pathname
    assert.equal((await ask(aduana.httpUrl, content)).text.length, PAYLOAD_BYTES)
    assert.equal((await ask(aduana.httpUrl, content, { method: 'HEAD' })).status, 200)
    await breakOff(aduana.httpUrl + content)

    const { operationId } = await client.deleteUpdate(good.updateId)
    assert.equal((await operationEnd(client, operationId)).status, 'Succeeded')

    const ended = (kind: string, status: string) => `aduana_operations_ended_total kind="${kind}" status="${status}"`
    await eventually('the broken download is counted', async () => {
      return (await valueNow('aduana_downloads_total outcome="broken"')) === 1
    })
    const found = await series()
    assert.equal(found.get(ended('import', 'Succeeded')), 1)
    assert.equal(found.get(ended('import', 'Failed')), 1)
    assert.equal(found.get(ended('delete', 'Succeeded')), 1)
    // The file and its manifest.
    assert.equal(found.get('aduana_blobs_stored_total'), 2)
    assert.equal(found.get('aduana_stored_bytes_total'), PAYLOAD_BYTES + good.manifestBytes.byteLength)
    assert.ok((found.get('aduana_store_written_bytes_total') ?? 0) >= PAYLOAD_BYTES)
    assert.ok((found.get('aduana_store_write_seconds_total') ?? 0) > 0)
    assert.equal(found.get('aduana_downloads_total outcome="complete"'), 1)
    const downloaded = found.get('aduana_downloaded_bytes_total') ?? 0
    assert.ok(downloaded > PAYLOAD_BYTES && downloaded < 2 * PAYLOAD_BYTES, String(downloaded))
  })

  test('shows operations in progress with the age of the oldest, and connections', async () => {
    const client = await aduana.client()
    const held = Promise.withResolvers<void>()
    const stalling = publishUpdate(source, {
      manifestBehaviour: (_request, response) => {
        held.promise.then(() => response.writeHead(404).end())
      },
    })
    const { operationId } = await client.importUpdate([stalling.input])
    const running = 'aduana_operations kind="import" status="Running"'
    await eventually('the import runs', async () => (await valueNow(running)) === 1)
    const age = await valueNow('aduana_operations_oldest_age_seconds kind="import" status="Running"')
    assert.ok(age > 0 && age < 60, String(age))
    assert.equal(await valueNow('aduana_http_connections listener="metrics"'), 1)
    held.resolve()
    await operationEnd(client, operationId)
    await eventually('none runs', async () => (await valueNow(running)) === 0)
    assert.ok(!(await series()).has('aduana_operations_oldest_age_seconds kind="import" status="Running"'))
  })

  test('counts requests by template, method, class of status and dialect, and never shows what was asked for', async () => {
    const token = await aduana.token()
    const headers = { authorization: `Bearer ${token}` }
    const before = await series()
    const update = '/updates/providers/Secret/names/Thing/versions/1.0'
    for (const path of [
      `/deviceUpdate/default${update}${API}`,
      `/deviceUpdate/default${update}?api-version=2021-06-01-preview&sig=${SIGNATURE}`,
      `/deviceUpdate/default/v2${update}`,
      `/DEVICEUPDATE/default/updates${API}`,
      '/secret/place',
      '/%zz',
    ]) {
      await ask(aduana.httpUrl, path, { headers })
    }
    await ask(aduana.httpUrl, `/deviceUpdate/default/updates${API}`)
    const later = await series()
    const count = (route: string, rest: string) => {
      const name = `aduana_http_request_duration_seconds_count ${rest.replace('ROUTE', `route="${route}"`)}`
      return (later.get(name) ?? 0) - (before.get(name) ?? 0)
    }
    const getUpdate = '/deviceUpdate/:instanceId/updates/providers/:provider/names/:name/versions/:version'
    assert.equal(count(getUpdate, 'dialect="2022" method="GET" ROUTE status="4xx"'), 1)
    assert.equal(count(getUpdate, 'dialect="2021" method="GET" ROUTE status="4xx"'), 1)
    const list = '/deviceUpdate/:instanceId/updates'
    assert.equal(count(list, 'dialect="2022" method="GET" ROUTE status="2xx"'), 1)
    assert.equal(count(list, 'dialect="" method="GET" ROUTE status="4xx"'), 1)
    assert.equal(count('', 'dialect="" method="GET" ROUTE status="4xx"'), 2)

    const { text } = await ask(metricsUrl, '/metrics')
    for (const secret of ['Secret', 'secret', 'Thing', 'default/', SIGNATURE, token.slice(0, 20), 'large.bin']) {
      assert.ok(!text.includes(secret), secret)
    }
  })

  test('answers them on the other listeners to those who may read updates in some instance', async () => {
    const asked = async (headers: Record<string, string>) => ask(aduana.httpUrl, '/metrics', { headers })
    assert.equal((await asked({})).status, 401)
    assert.equal((await asked({ authorization: 'Bearer nonsense' })).status, 401)
    const { status, text } = await asked({ authorization: `Bearer ${await aduana.token()}` })
    assert.equal(status, 200)
    assert.ok(seriesIn(text).has('aduana_database_up'))
    assert.equal((await asked({ host: 'rebind.example.com' })).status, 421)
  })
})

test('metrics need updates/read in an instance that is there, are not slowed by rates, and refusals are audited', async () => {
  await using app = await startAppInMemory({ instances: ['own'], limits: { requests: 1, 'list-operations': 1 } })
  for (let i = 0; i < 20; i += 1) assert.equal((await app.ask('/metrics', { role: 'DeviceUpdateReader' })).status, 200)
  const refused = await app.ask('/metrics', { role: 'Nobody' })
  assert.equal(refused.status, 403)
  assert.equal(refused.json<{ error: { code: string } }>().error.code, 'PermissionMissing')
  assert.equal((await app.ask('/metrics', { role: '' })).status, 401)
  assert.deepEqual(
    app.refusals.map(({ code, target, instance }) => [code, target, instance]),
    [
      ['PermissionMissing', 'GET updates/read', ''],
      ['Unauthenticated', 'GET updates/read', ''],
    ],
  )
})

test('a database that does not answer is told, and the rest of the metrics with it', async () => {
  await using app = await startAppInMemory()
  app.database.query = () => Promise.reject(new Error('away'))
  const { status, text } = await app.ask('/metrics')
  assert.equal(status, 200)
  const found = seriesIn(text)
  assert.equal(found.get('aduana_database_up'), 0)
  assert.ok(!found.has('aduana_operations kind="import" status="Running"'))
  assert.ok(found.has('process_cpu_seconds_total'))
})

/** Begins a download and goes away after its first bytes. */
function breakOff(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent: false }, (response) => {
      response.once('data', () => {
        response.destroy()
        resolve()
      })
    })
    asking.on('error', reject)
    asking.end()
  })
}
