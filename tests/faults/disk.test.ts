import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { link, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type ApiClient, createApiClient } from '../../src/client/api-client.ts'
import type { Operation } from '../../src/client/api-types.ts'
import { type Behaviour, type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { eventually, importAndWait, operationEnd } from '../support/operation-end.ts'
import { paced } from '../support/paced.ts'
import { type PublishedUpdate, publishUpdate, requestsFor } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { askToken, spawnAduana } from '../support/spawn-aduana.ts'
import { innermostOf } from './innermost-of.ts'

const MiB = 1024 * 1024
const DISK_BYTES = 64 * MiB
/** Whoever cannot note how an attempt ended is asked again when its lease has run out. */
const LEASE_MS = 15_000

let source: MisbehavingSource
before(async () => {
  source = await startSource()
})
after(() => source?.[Symbol.asyncDispose]())

// Side by side, since most of the time is waiting.
describe('on a small disk', { concurrency: true }, () => {
  test('a file that does not fit is refused before it is fetched, in numbers, and fits when there is room', async (t) => {
    await using disk = await mountSmallDisk(DISK_BYTES)
    if (disk === undefined) return t.skip('this system lets nobody mount anything')
    await using aduana = await startOn(disk)
    const kept = await importKept(aduana)
    await disk.fill(10 * MiB)

    const large = published(20 * MiB)
    const { code, message } = innermostOf(await importAndWait(aduana.client, [large.input]))
    assert.equal(code, 'StoreFull')
    assert.match(message, /\b\d{7,8} bytes free.*\b20971520 are needed/)
    assert.equal(requestsFor(source, large.paths.get('file.bin')), 0)
    await assertReadable(aduana.client, kept)

    await disk.makeRoom()
    assertSucceeded(await importAndWait(aduana.client, [large.input]))
    await assertReadable(aduana.client, large)
  })

  test('imports that each fit, but not together, do not take the room that was promised to another', async (t) => {
    await using disk = await mountSmallDisk(DISK_BYTES)
    if (disk === undefined) return t.skip('this system lets nobody mount anything')
    await using aduana = await startOn(disk)
    const updates = [1, 2, 3, 4].map(() => published(25 * MiB, (bytes) => paced(serveBytes(bytes), { bodyMs: 1000 })))
    const ends = await Promise.all(updates.map(({ input }) => importAndWait(aduana.client, [input])))
    assert.equal(ends.filter(({ status }) => status === 'Succeeded').length, 2)
    for (const end of ends.filter(({ status }) => status === 'Failed')) {
      const { code, message } = innermostOf(end)
      assert.equal(code, 'StoreFull')
      assert.match(message, /promised to other files/)
    }
  })

  test('room that runs out during a download fails the import with the cause, and comes back', async (t) => {
    await using disk = await mountSmallDisk(DISK_BYTES)
    if (disk === undefined) return t.skip('this system lets nobody mount anything')
    await using aduana = await startOn(disk)
    const kept = await importKept(aduana)
    const freeBytes = await disk.freeBytes()

    const large = published(30 * MiB, (bytes) => paced(serveBytes(bytes), { bodyMs: 8000 }))
    const { operationId } = await aduana.client.importUpdate([large.input])
    await eventually('a part is there', async () => (await disk.freeBytes()) < freeBytes - 5 * MiB)
    await disk.fill(2 * MiB)
    const { code, message } = innermostOf(await operationEnd(aduana.client, operationId))
    assert.equal(code, 'StoreFull')
    assert.match(message, /ENOSPC/)
    await assertReadable(aduana.client, kept)
    assert.deepEqual(await readdir(join(disk.view, 'data/blobs/partial')), [])

    await disk.makeRoom()
    await eventually('the room is given back', async () => (await disk.freeBytes()) > freeBytes - MiB)
    assertSucceeded(await importAndWait(aduana.client, [large.input]))
    await assertReadable(aduana.client, large)
  })

  test('requests that the database has no room for are refused with 503; others, and later ones, are not', async (t) => {
    await using disk = await mountSmallDisk(DISK_BYTES)
    if (disk === undefined) return t.skip('this system lets nobody mount anything')
    await using aduana = await startOn(disk)
    const kept = await importKept(aduana)
    await disk.keepFull()

    const { input } = published(1000)
    const full = { status: 503, code: 'DatabaseFailed', message: /disk is full/ }
    await assert.rejects(aduana.client.importUpdate([input]), full)
    await assert.rejects(aduana.client.deleteUpdate(kept.updateId), full)
    assert.equal((await fetch(`${aduana.url}/healthz`)).status, 200)
    await assertReadable(aduana.client, kept)

    await disk.makeRoom()
    assertSucceeded(await importAndWait(aduana.client, [input]))
    const { operationId } = await aduana.client.deleteUpdate(kept.updateId)
    assertSucceeded(await operationEnd(aduana.client, operationId))
  })

  test('an operation whose end could not be noted does not hang once there is room', async (t) => {
    await using disk = await mountSmallDisk(DISK_BYTES)
    if (disk === undefined) return t.skip('this system lets nobody mount anything')
    await using aduana = await startOn(disk)
    const { promise: isFull, resolve: goOn } = Promise.withResolvers<void>()
    const update = published(8 * MiB, (bytes) => (request, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, MiB))
      void isFull.then(() => response.end(bytes.subarray(MiB)))
      request.on('error', () => {})
    })
    const { operationId } = await aduana.client.importUpdate([update.input])
    await eventually('it is asked for', () => requestsFor(source, update.paths.get('file.bin')) > 0)
    const partials = join(disk.view, 'data/blobs/partial')
    await eventually('a part is there', async () => (await readdir(partials)).length > 0)
    // Else what the import gives back when it fails might do for noting that.
    for (const name of await readdir(partials)) await link(join(partials, name), join(disk.view, `kept-${name}`))
    await disk.keepFull()
    goOn()
    await eventually('its end cannot be noted', () => aduana.log().includes('cannot end the operation'))
    assert.equal((await aduana.client.getOperation(operationId)).status, 'Running')

    await disk.makeRoom()
    assertSucceeded(await operationEnd(aduana.client, operationId, LEASE_MS + 10_000))
    await assertReadable(aduana.client, update)
  })

  test('a server that finds its disk full starts all the same, or says why not', async (t) => {
    await using disk = await mountSmallDisk(DISK_BYTES)
    if (disk === undefined) return t.skip('this system lets nobody mount anything')
    let kept: PublishedUpdate
    {
      await using aduana = await startOn(disk)
      kept = await importKept(aduana)
    }
    await disk.keepFull()
    const server = spawnAduana({ folder: join(disk.folder, 'data'), launcher: disk.launcher })
    if ((await server.ready) === undefined) assert.match(server.log(), /full|no space/i)
    server.process.kill('SIGKILL')
    await server.exited

    await disk.makeRoom()
    await using aduana = await startOn(disk)
    await assertReadable(aduana.client, kept)
  })
})

// Needs no rights at all. The kernel lets no file grow beyond the limit, and the limit can be moved while the server runs.
const skip = process.platform !== 'linux' && 'only Linux can move the limit of a process that runs'
describe('where files may not grow', { concurrency: true, skip }, () => {
  test('a file that is too large for it fails with the cause, others do not, and nothing is left of it', async () => {
    await using aduana = await startLimited(8 * MiB)
    const kept = await importKept(aduana)
    const large = published(16 * MiB)
    const { code, message } = innermostOf(await importAndWait(aduana.client, [large.input]))
    assert.equal(code, 'StoreFull')
    assert.match(message, /EFBIG/)
    await assertReadable(aduana.client, kept)
    assert.deepEqual(await readdir(join(aduana.folder, 'blobs/partial')), [])

    await limitFiles(aduana.process.pid, 'unlimited')
    assertSucceeded(await importAndWait(aduana.client, [large.input]))
    await assertReadable(aduana.client, large)
  })

  test('a database that cannot be written refuses changes with 503, answers the rest, and recovers', async () => {
    await using aduana = await startLimited('unlimited')
    const kept = await importKept(aduana)
    await limitFiles(aduana.process.pid, 0)
    const { input } = published(1000)
    const failed = { status: 503, code: 'DatabaseFailed' }
    await assert.rejects(aduana.client.importUpdate([input]), failed)
    await assert.rejects(aduana.client.deleteUpdate(kept.updateId), failed)
    await assertReadable(aduana.client, kept)

    await limitFiles(aduana.process.pid, 'unlimited')
    assertSucceeded(await importAndWait(aduana.client, [input]))
  })
})

let publishedCount = 0

function published(sizeInBytes: number, behave: (bytes: Uint8Array) => Behaviour = serveBytes): PublishedUpdate {
  publishedCount += 1
  const bytes = seededBytes(`disk ${publishedCount}`, sizeInBytes)
  return publishUpdate(source, { files: [{ name: 'file.bin', bytes, behaviour: behave(bytes) }] })
}

async function importKept({ client }: { client: ApiClient }): Promise<PublishedUpdate> {
  const kept = published(MiB)
  assertSucceeded(await importAndWait(client, [kept.input]))
  return kept
}

function assertSucceeded({ status, error }: Operation): void {
  assert.equal(status, 'Succeeded', JSON.stringify(error))
}

async function assertReadable(client: ApiClient, { updateId, payloads }: PublishedUpdate): Promise<void> {
  const { files } = await client.getUpdateWithContent(updateId)
  for (const { fileName, contentUrl } of files) {
    const bytes = Buffer.from(await (await fetch(contentUrl)).arrayBuffer())
    assert.ok(bytes.equals(payloads.get(fileName) ?? Buffer.of()), `${fileName} has other bytes`)
  }
  assert.equal(files.length, payloads.size)
}

function startOn(disk: SmallDisk) {
  return start({ folder: join(disk.folder, 'data'), launcher: disk.launcher })
}

async function startLimited(maxBytes: number | 'unlimited') {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-limit-'))
  const aduana = await start({ folder, launcher: ['prlimit', `--fsize=${maxBytes}:unlimited`] })
  const end = aduana[Symbol.asyncDispose]
  return Object.assign(aduana, {
    async [Symbol.asyncDispose]() {
      await end()
      await rm(folder, { recursive: true })
    },
  })
}

async function limitFiles(pid: number | undefined, maxBytes: number | 'unlimited'): Promise<void> {
  await promisify(execFile)('prlimit', [`--pid=${pid}`, `--fsize=${maxBytes}:unlimited`])
}

async function start({ folder, launcher }: { folder: string; launcher: readonly string[] }) {
  const flags = ['--allow-source', '127.0.0.0/8', '--sweep-after', '1s', '--source-limit', 'pause=5ms']
  const server = spawnAduana({ folder, launcher, flags })
  const urls = await server.ready
  if (urls === undefined) throw new Error(`The server does not start: ${server.log()}`)
  const token = await askToken({ folder, launcher })
  return {
    ...server,
    folder,
    url: urls.httpUrl,
    client: createApiClient({ baseUrl: urls.httpUrl, token, instance: 'default', dialect: '2022' }),
    async [Symbol.asyncDispose]() {
      assert.equal(server.process.exitCode ?? server.process.signalCode, null, `it has ended: ${server.log()}`)
      server.process.kill('SIGKILL')
      await server.exited
    },
  }
}
