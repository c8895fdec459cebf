import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveBytes, serveOtherBytes } from '../../../tests/support/misbehaving-source.ts'
import { type PublishedUpdate, publishUpdate } from '../../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { openFilesystemBlobs } from '../../adapters/filesystem/blobs-filesystem.ts'
import type { ClaimedOperation } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import type { Scanner } from '../../ports/scanner.ts'
import { releaseLease } from '../../store/operations/attempts.ts'
import { findUpdate } from '../../store/updates/updates.ts'
import { Parked } from '../operations/attempt-end.ts'

const MiB = 1024 * 1024
const SIZE = 8 * MiB
const BREAK = 6 * MiB

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline({ inFolder: true })
})
after(() => pipeline?.[Symbol.asyncDispose]())

let number = 0

interface Published {
  update: PublishedUpdate
  bytes: Buffer
  path: string
  source: { stalls: boolean; sentBytes: number }
}

/** An update with one file, whose source stops sending after `BREAK` bytes as long as it `stalls`. It knows ranges and has an ETag. */
function publishStalling(): Published {
  number += 1
  const bytes = Buffer.alloc(SIZE, `firmware ${number} `)
  const update = publishUpdate(pipeline.source, { files: [{ name: 'image.bin', bytes }] })
  const path = update.paths.get('image.bin') ?? ''
  const source = { stalls: true, sentBytes: 0 }
  pipeline.source.at(path, (request, response) => {
    const etag = '"one"'
    const [, range] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
    const start = range !== undefined && request.headers['if-range'] === etag ? Number(range) : 0
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      'content-length': SIZE - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${SIZE - 1}/${SIZE}` }),
    })
    const part = bytes.subarray(start, source.stalls ? BREAK : SIZE)
    source.sentBytes += part.length
    if (source.stalls) response.write(part)
    else response.end(part)
  })
  return { update, bytes, path, source }
}

/** Runs an attempt until most of the file is there, and parks it. */
async function runAndPark(operation: ClaimedOperation): Promise<void> {
  const parking = new AbortController()
  const running = pipeline.run(operation, { signal: parking.signal })
  running.catch(() => {})
  for (;;) {
    const partials = await pipeline.partials()
    // That of the manifest is there for a moment, too.
    const sizes = partials.map((name) => stat(join(pipeline.folder, 'partial', name)).catch(() => undefined))
    if ((await Promise.all(sizes)).some((held) => held !== undefined && held.size >= BREAK - 2 * MiB)) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  parking.abort(new Parked())
  await assert.rejects(running)
  await releaseLease(pipeline.database, operation)
}

async function isPublished({ updateId }: PublishedUpdate): Promise<boolean> {
  return (await findUpdate(pipeline.database, 'default', updateId)) !== undefined
}

test('a parked attempt keeps what it fetched, and the next one fetches only the rest', async () => {
  const { update, source } = publishStalling()
  await runAndPark(await pipeline.begin([update]))
  assert.equal((await pipeline.partials()).length, 1)
  // Another process: it knows nothing but the database and the folder.
  const blobs = await openFilesystemBlobs({ folder: pipeline.folder })
  source.stalls = false
  await pipeline.run(await pipeline.claim(), { blobs })
  assert.ok(await isPublished(update))
  assert.deepEqual(await pipeline.partials(), [])
  assert.ok(source.sentBytes <= 1.3 * SIZE, `${source.sentBytes} bytes were sent`)
})

test('what was kept but is damaged is noticed, and the file is fetched from its start', async () => {
  for (const damage of [
    (path: string) => writeFile(path, 'X', { flag: 'r+' }),
    async (path: string) => {
      await truncate(path, MiB)
      await truncate(path, BREAK)
    },
  ]) {
    const { update, source } = publishStalling()
    await runAndPark(await pipeline.begin([update]))
    const [partial = ''] = await pipeline.partials()
    await damage(join(pipeline.folder, 'partial', partial))
    source.stalls = false
    source.sentBytes = 0
    await pipeline.run(await pipeline.claim())
    assert.ok(await isPublished(update))
    assert.deepEqual(await pipeline.partials(), [])
    assert.ok(source.sentBytes > SIZE, 'first the rest was sent, then everything')
  }
})

test('a source that changed meanwhile is read from its start, and judged by its hash', async () => {
  const { update, bytes, path } = publishStalling()
  await runAndPark(await pipeline.begin([update]))
  pipeline.source.at(path, serveOtherBytes(bytes))
  await assert.rejects(pipeline.run(await pipeline.claim()), { code: 'CannotProcessUpdateFile' })
  assert.ok(!(await isPublished(update)))
  assert.deepEqual(await pipeline.partials(), [], 'nothing is kept of an import that failed')
})

test('an import that fails elsewhere keeps nothing of its other files', async () => {
  const { update } = publishStalling()
  await runAndPark(await pipeline.begin([update]))
  pipeline.source.at(update.paths.get('') ?? '', (_request, response) => response.writeHead(404).end())
  await assert.rejects(pipeline.run(await pipeline.claim()), { code: 'CannotProcessImportManifest' })
  assert.deepEqual(await pipeline.partials(), [])
})

test('a scanner that gives up and comes back costs no second download', async () => {
  const { update, bytes, path } = publishStalling()
  let requests = 0
  const good = serveBytes(bytes)
  pipeline.source.at(path, (request, response) => {
    requests += 1
    good(request, response)
  })
  let scans = 0
  const seen: Buffer[] = []
  const scanner = {
    async begin() {
      scans += 1
      seen.length = 0
      return {
        notScanned: undefined,
        write: async (chunk: Uint8Array) => void seen.push(Buffer.from(chunk)),
        verdict: async () =>
          scans < 3
            ? { kind: 'NotScanned', reason: 'It restarts.', mayRecover: true }
            : { kind: 'Clean', signatures: '1', caveats: [] },
        async [Symbol.asyncDispose]() {},
      }
    },
    signatures: async () => '1',
  } as unknown as Scanner
  const operation = await pipeline.begin([update])
  await pipeline.run(operation, { scan: { scanner, mode: 'required', pausesMs: [1, 1, 1] } })
  assert.ok(await isPublished(update))
  assert.equal(scans, 3)
  assert.ok(Buffer.concat(seen).equals(bytes), 'the last scan saw the whole file')
  assert.equal(requests, 1)
})

test('an update that lost bytes takes them from the same import once more, under its old id', async () => {
  const update = await pipeline.import({ files: [{ name: 'a.bin', bytes: Buffer.from(`healing ${Math.random()}`) }] })
  // Within a millisecond it would look like a twin that was imported at the same time.
  await sleep(5)
  const before = await findUpdate(pipeline.database, 'default', update.updateId)
  await assert.rejects(pipeline.run(await pipeline.begin([update])), { code: 'UpdateAlreadyExists' })

  const copies = await readdir(join(pipeline.folder, 'v1'), { recursive: true })
  for await (const { name } of pipeline.blobs.list()) {
    const isOurs = (
      await pipeline.database.query('select 1 from blobs where name = $1 and size_in_bytes = $2', [
        name,
        update.payloads.get('a.bin')?.length ?? 0,
      ])
    ).length
    if (isOurs) await pipeline.blobs.delete(name)
  }
  assert.notDeepEqual(await readdir(join(pipeline.folder, 'v1'), { recursive: true }), copies)
  const operation = await pipeline.begin([update])
  await pipeline.run(operation)
  const healed = await findUpdate(pipeline.database, 'default', update.updateId)
  assert.deepEqual(healed, before)
  assert.deepEqual((await readdir(join(pipeline.folder, 'v1'), { recursive: true })).length, copies.length)
  const [row] = await pipeline.database.query('select status from operations where id = $1', [operation.operationId])
  assert.equal(row?.status, 'Succeeded')
  await assert.rejects(pipeline.run(await pipeline.begin([update])), { code: 'UpdateAlreadyExists' })
})

test('an import that has brought lost bytes back and died before its end is taken up again and succeeds', async () => {
  const bytes = Buffer.from(`died ${Math.random()}`)
  const update = await pipeline.import({ files: [{ name: 'a.bin', bytes }] })
  await sleep(5)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const copies = await Array.fromAsync(pipeline.blobs.list(), ({ name }) => name)
  const lost = copies.find((name) => name.startsWith(sha256))
  assert.ok(lost)
  await pipeline.blobs.delete(lost)
  const dying: Database = {
    ...pipeline.database,
    async batch(statements) {
      if (statements.some(({ sql }) => sql.includes('ended_at'))) throw new Error('died')
      await pipeline.database.batch(statements)
    },
  }
  const operation = await pipeline.begin([update])
  await assert.rejects(pipeline.run(operation, { database: dying }), /died/)
  await releaseLease(pipeline.database, operation)
  await pipeline.run(await pipeline.claim())
})
