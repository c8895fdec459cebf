// Devices download from a web server in front of a folder that the real program keeps as the catalogue wants it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openPostgres } from '../../src/adapters/postgres/database-postgres.ts'
import { openSqlite } from '../../src/adapters/sqlite/database-sqlite.ts'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ContentFile } from '../../src/client/api-types.ts'
import { checkCopies, filesIn } from '../support/check-copies.ts'
import { freePort } from '../support/free-port.ts'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { eventually as eventuallyWithin, importAndWait, operationEnd } from '../support/operation-end.ts'
import { type PublishedUpdate, publishUpdate } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { serveFolder, type WebServer } from '../support/web-server.ts'

const CDN = 'cdn'
/** A store that fails is left alone for five seconds, and what failed comes back after a growing pause. */
const PATIENCE_MS = 40_000

const eventually = (what: string, holds: () => Promise<boolean>) => eventuallyWithin(what, holds, PATIENCE_MS)

let source: MisbehavingSource
let parent: string
let folder: string
let web: WebServer
let aduana: Aduana
let client: ApiClient
let metricsUrl: string

before(async () => {
  source = await startSource()
  parent = await mkdtemp(join(tmpdir(), 'aduana-cdn-'))
  folder = join(parent, 'www')
  web = await serveFolder(folder)
  const metricsPort = await freePort()
  metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`
  aduana = await startAduana({
    flags: [
      ...['--allow-source', '127.0.0.0/8', '--metrics', `127.0.0.1:${metricsPort}`],
      ...[
        '--distribute',
        `${CDN}=${folder}`,
        '--content-url',
        `${CDN}=${web.origin}/{path}`,
        '--distribute-check',
        '1s',
      ],
    ],
  })
  client = await aduana.client()
})
after(async () => {
  await aduana?.[Symbol.asyncDispose]()
  await web?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
  if (parent !== undefined) await rm(parent, { recursive: true, force: true })
})

function publish(files: Record<string, Uint8Array>): PublishedUpdate {
  return publishUpdate(source, { files: Object.entries(files).map(([name, bytes]) => ({ name, bytes })) })
}

async function flaws(): Promise<string[]> {
  const database =
    aduana.databaseUrl === undefined
      ? openSqlite(join(aduana.folder, 'aduana.db'), { readOnly: true })
      : openPostgres(aduana.databaseUrl)
  try {
    return await checkCopies(database, { store: CDN, folder })
  } finally {
    await database.close()
  }
}

const whole = () => eventually('the store is whole', async () => (await flaws()).length === 0)

async function filesOf({ updateId }: PublishedUpdate): Promise<ContentFile[]> {
  return (await client.getUpdateWithContent(updateId)).files
}

/** Downloads by the address that the API gives, as a device does that follows no redirects. */
async function download({ contentUrl, fileName, hashes }: ContentFile): Promise<void> {
  const response = await fetch(contentUrl, { redirect: 'error' })
  assert.equal(response.status, 200, `${fileName} at ${contentUrl}`)
  const digest = createHash('sha256')
    .update(await response.bytes())
    .digest('base64')
  assert.equal(digest, hashes.sha256, fileName)
}

describe('a server with a folder behind a web server as its distribution store', () => {
  test('gives addresses there whose bytes are those that were imported', async (context) => {
    context.diagnostic(`served by ${web.title}`)
    const update = publish({ 'a b ü%.bin': seededBytes('one', 3_000_000), 'empty-ish.bin': Buffer.from('x') })
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    await whole()
    const files = await filesOf(update)
    for (const file of files) {
      assert.equal(new URL(file.contentUrl).origin, web.origin)
      assert.deepEqual(
        file.distribution?.map(({ store, state, url }) => ({ store, state, url })),
        [{ store: CDN, state: 'Present', url: file.contentUrl }],
      )
      await download(file)
    }
    const [store] = (await client.getDistribution()).stores
    assert.deepEqual([store?.store, store?.present, store?.waiting], [CDN, 2, 0])

    assert.equal((await fetch(`${web.origin}/.partial/x`)).status, 403)
  })

  test('makes a store whole again that is wiped while imports run', async () => {
    const updates = Array.from({ length: 12 }, (_, index) =>
      publish({ 'image.swu': seededBytes(`image ${index}`, 400_000), 'notes.txt': Buffer.from(`notes ${index}`) }),
    )
    const importing = Promise.all(updates.map(({ input }) => importAndWait(client, [input])))
    for (let wiped = 0; wiped < 3; wiped += 1) {
      await eventually('some are copied', async () => (await filesIn(folder)).length > 3)
      for (const name of await readdir(folder))
        await rm(join(folder, name), { recursive: true, force: true, maxRetries: 9 })
    }
    for (const { status } of await importing) assert.equal(status, 'Succeeded')
    await whole()
    await rm(folder, { recursive: true })
    await eventually('it is noticed', async () => (await filesIn(folder)).length > 0)
    await whole()
    for (const update of updates) for (const file of await filesOf(update)) await download(file)
  })

  test('makes a store whole that was away, and one that was wiped while no server ran, under the same addresses', async () => {
    const away = join(parent, 'away')
    await rename(folder, away)
    await writeFile(folder, 'no folder')
    const update = publish({ 'image.swu': seededBytes('while away', 100_000) })
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    const [file] = await filesOf(update)
    assert.equal(
      new URL(file?.contentUrl ?? '').origin,
      new URL(aduana.httpUrl).origin,
      'served from the server until then',
    )
    await download(file!)
    await eventually('the reason is told', async () => {
      const [now] = await filesOf(update)
      return /^It cannot be written: /.test(now?.distribution?.[0]?.reason ?? '')
    })
    const waiting = (await client.getDistribution()).stores[0]
    assert.match(waiting?.oldestWaiting?.reason ?? '', /^It cannot be written: /)
    await rm(folder)
    await rename(away, folder)
    await whole()

    const [{ contentUrl } = { contentUrl: '' }] = await filesOf(update)
    await restart(() => rm(folder, { recursive: true }))
    await whole()
    const [again] = await filesOf(update)
    assert.equal(again?.contentUrl, contentUrl)
    await download(again!)
  })

  test('deletes what no update names any more', async () => {
    const update = publish({ 'short-lived.swu': Buffer.from('short-lived') })
    assert.equal((await importAndWait(client, [update.input])).status, 'Succeeded')
    await whole()
    const [file] = await filesOf(update)
    await download(file!)
    const { operationId } = await client.deleteUpdate(update.updateId)
    assert.equal((await operationEnd(client, operationId)).status, 'Succeeded')
    await whole()
    assert.equal((await fetch(file!.contentUrl)).status, 404)
  })

  test('counts all this for Prometheus', async () => {
    const page = await (await fetch(metricsUrl)).text()
    const seriesNow = (series: string) =>
      Number(
        page
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')[1],
      )
    const copies = (await filesIn(folder)).length
    assert.ok(copies > 0)
    assert.equal(seriesNow(`aduana_distribution_files{store="${CDN}",state="Present"}`), copies)
    assert.equal(seriesNow(`aduana_distribution_files{store="${CDN}",state="Waiting"}`), 0)
    assert.equal(seriesNow(`aduana_distribution_lag_seconds{store="${CDN}"}`), 0)
    assert.ok(seriesNow(`aduana_distribution_check_age_seconds{store="${CDN}"}`) < 60)
    assert.ok(seriesNow(`aduana_distribution_copies_total{store="${CDN}",outcome="copied"}`) >= copies)
    assert.ok(seriesNow(`aduana_distribution_copied_bytes_total{store="${CDN}"}`) > 1_000_000)
  })
})

test('an import waits for a distribution store that it must reach, and is there when it succeeds', async () => {
  const cdn = join(parent, 'required')
  await writeFile(cdn, 'no folder')
  await using server = await startAduana({
    flags: ['--allow-source', '127.0.0.0/8', '--distribute', `${CDN}=${cdn}`, '--distribute-required', CDN],
  })
  const client = await server.client()
  const update = publish({ 'image.swu': seededBytes('required', 100_000) })
  const { operationId } = await client.importUpdate([update.input])
  const token = await server.token()
  await eventually('it is being distributed', async () => {
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${server.httpUrl}/aduana/v1/default/operations/${operationId}`, { headers })
    const { files } = (await response.json()) as { files: { phase: string }[] }
    return files[0]?.phase === 'Distributing'
  })
  await assert.rejects(client.getUpdate(update.updateId), { status: 404 })
  await rm(cdn)
  assert.equal((await operationEnd(client, operationId)).status, 'Succeeded')
  const { files } = await client.getUpdateWithContent(update.updateId)
  assert.equal(files[0]?.distribution?.[0]?.state, 'Present')
  assert.equal((await filesIn(cdn)).length, 1)
})

test('a server does not start with distribution settings that cannot be', async () => {
  const flags = ['--distribute', 'cdn=gs://bucket', '--content-url', 'cdn=https://cdn.example.com/']
  await assert.rejects(startAduana({ flags }), (error: Error) => {
    assert.match(error.message, /--distribute: Stores that begin with gs:\/\/ are not known/)
    assert.match(error.message, /--content-url: https:\/\/cdn\.example\.com\/ must have \{path\} in its path/)
    return true
  })
})

/** Kills the server and starts it again. */
async function restart(meanwhile: () => Promise<void>): Promise<void> {
  await aduana.stop('SIGKILL')
  await meanwhile()
  aduana = await aduana.restart()
  client = await aduana.client()
}
