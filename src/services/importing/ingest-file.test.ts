import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { holdContent } from '../../../tests/support/hold-content.ts'
import { answerStatus, serveBytes, serveOtherBytes, stall } from '../../../tests/support/misbehaving-source.ts'
import { publishUpdate, requestsFor, sha256Of } from '../../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { hexOfBase64 } from '../../domain/blob.ts'
import type { ClaimedOperation } from '../../domain/operation.ts'
import { findBlob } from '../../store/blobs/blobs.ts'
import { releaseLease } from '../../store/operations/attempts.ts'
import { findContent, listFiles } from '../../store/updates/files.ts'
import { findUpdate } from '../../store/updates/updates.ts'
import type { ExpectedFile } from '../sources/copy-checked.ts'
import { type IngestedFile, type IngestOptions, ingestFile } from './ingest-file.ts'

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline()
})
after(() => pipeline?.[Symbol.asyncDispose]())

let number = 0
/** Some bytes that no other test has, at a source. */
function payload(text = 'payload') {
  number += 1
  const bytes = Buffer.from(`${text} ${number}`)
  const path = `/payload/${number}`
  const url = pipeline.source.at(path, serveBytes(bytes))
  const sha256 = sha256Of(bytes)
  return {
    bytes,
    path,
    sha256Hex: hexOfBase64(sha256),
    file: { title: '"toaster.swu"', url, sizeInBytes: bytes.length, hashes: { sha256 } as Record<string, string> },
  }
}

/** What an import of the instance would ingest with, in its first attempt. */
async function beginIngest(instance = 'default'): Promise<IngestOptions & { attempt: ClaimedOperation }> {
  const { database, blobs, openSource } = pipeline
  return {
    database,
    blobs,
    openSource,
    signal: new AbortController().signal,
    instance,
    attempt: await pipeline.begin([publishUpdate(pipeline.source)], instance),
    doneBefore: false,
    scan: { mode: 'required' },
    onProgress: async () => {},
  }
}

/** As an import does: what it ingests, it holds. */
async function ingest(file: ExpectedFile, options: Awaited<ReturnType<typeof beginIngest>>): Promise<IngestedFile> {
  const { database, attempt } = options
  await holdContent(database, { attempt, sha256: hexOfBase64(file.hashes.sha256 ?? '') })
  return await ingestFile(file, options)
}

async function copiesOf(sha256Hex: string): Promise<string[]> {
  const names = await Array.fromAsync(pipeline.blobs.list(), ({ name }) => name)
  return names.filter((name) => name.startsWith(sha256Hex))
}

test('bytes that are as expected come into the store, with progress on the way', async () => {
  const { file, bytes, sha256Hex } = payload()
  const sums: number[] = []
  const onProgress = async (bytesDone: number) => void sums.push(bytesDone)
  assert.equal((await ingest(file, { ...(await beginIngest()), onProgress })).sha256, sha256Hex)
  assert.equal(sums.at(-1), bytes.length)

  const blob = await findBlob(pipeline.database, sha256Hex)
  assert.ok(blob)
  assert.deepEqual(Buffer.concat(await Array.fromAsync(await pipeline.blobs.open(blob.name))), bytes)
})

test('what an update of the same instance has is not fetched again', async () => {
  const { bytes, file, path } = payload()
  await pipeline.import({ files: [{ name: 'a.bin', bytes }] })
  await ingest(file, await beginIngest())
  assert.equal(requestsFor(pipeline.source, path), 0)
})

test('what only an update of another instance has is asked from the source: its hash alone gives nobody the bytes', async () => {
  const { bytes, file, path, sha256Hex } = payload()
  await pipeline.import({ files: [{ name: 'a.bin', bytes }] }, 'other')

  pipeline.source.at(path, answerStatus(404))
  await assert.rejects(ingest(file, await beginIngest()), { code: 'SourceStatus' })
  pipeline.source.at(path, serveOtherBytes(bytes))
  await assert.rejects(ingest(file, await beginIngest()), { code: 'HashMismatch' })

  pipeline.source.at(path, serveBytes(bytes))
  await ingest(file, await beginIngest())
  assert.equal(requestsFor(pipeline.source, path), 3)
  assert.equal((await copiesOf(sha256Hex)).length, 1, 'a second copy is dropped')
})

test('a known hash with another size is no known content', async () => {
  const { bytes, file, path } = payload()
  await pipeline.import({ files: [{ name: 'a.bin', bytes }] })
  const options = await beginIngest()
  await assert.rejects(ingest({ ...file, sizeInBytes: bytes.length + 1 }, options), { code: 'SizeMismatch' })
  assert.equal(requestsFor(pipeline.source, path), 1)
})

test('bytes that went missing from the store are fetched again, and heal the updates that name them', async () => {
  const { bytes, file, path, sha256Hex } = payload()
  const { updateId } = await pipeline.import({ files: [{ name: 'a.bin', bytes }] })
  const lost = await findBlob(pipeline.database, sha256Hex)
  assert.ok(lost)
  await pipeline.blobs.delete(lost.name)

  await ingest(file, await beginIngest())
  assert.equal(requestsFor(pipeline.source, path), 1)
  const update = await findUpdate(pipeline.database, 'default', updateId)
  const [listed] = (await listFiles(pipeline.database, update?.id ?? '')) ?? []
  const content = await findContent(pipeline.database, listed?.contentId ?? '')
  assert.ok(content)
  assert.deepEqual(Buffer.concat(await Array.fromAsync(await pipeline.blobs.open(content.blob))), bytes)
})

test('what an earlier attempt fetched is not fetched again, unless it is gone', async () => {
  const { file, path, sha256Hex } = payload()
  const options = await beginIngest()
  await ingest(file, options)
  await releaseLease(pipeline.database, options.attempt)
  const again = { ...options, attempt: await pipeline.claim(), doneBefore: true }
  await ingest(file, again)
  assert.equal(requestsFor(pipeline.source, path), 1)

  for (const name of await copiesOf(sha256Hex)) await pipeline.blobs.delete(name as `${string}.${string}`)
  await ingest(file, again)
  assert.equal(requestsFor(pipeline.source, path), 2)
})

test('two imports of the same content at once leave one copy', async () => {
  const { file, path, sha256Hex } = payload()
  const [one, other] = [await beginIngest(), await beginIngest('other')]
  await Promise.all([ingest(file, one), ingest(file, other)])
  assert.equal(requestsFor(pipeline.source, path), 2)
  const blob = await findBlob(pipeline.database, sha256Hex)
  assert.deepEqual(await copiesOf(sha256Hex), [blob?.name])
})

test('every hash that is stated is checked; those of unknown algorithms are passed on', async () => {
  const { bytes, file, path } = payload()
  const stating = (hashes: Record<string, string>) => ({ ...file, hashes: { ...file.hashes, ...hashes } })
  const wrong = { code: 'HashMismatch', message: /^"toaster\.swu" should have the sha512 hash wrong/ }
  await ingest(stating({ 'sha3-999': 'whatever' }), await beginIngest())
  await assert.rejects(ingest(stating({ sha512: 'wrong' }), await beginIngest()), wrong)

  // Also where the bytes are known already.
  await pipeline.import({ files: [{ name: 'a.bin', bytes }] })
  const requests = requestsFor(pipeline.source, path)
  await assert.rejects(ingest(stating({ sha512: 'wrong' }), await beginIngest()), wrong)
  assert.equal(requestsFor(pipeline.source, path), requests)
})

test('wrong bytes, and an abort half way, leave nothing in the store', async () => {
  const { bytes, file, path, sha256Hex } = payload()
  pipeline.source.at(path, serveOtherBytes(bytes))
  await assert.rejects(ingest(file, await beginIngest()), { code: 'HashMismatch' })

  pipeline.source.at(path, stall(bytes, { afterBytes: 3 }))
  const caller = new AbortController()
  const onProgress = async () => caller.abort(new Error('enough'))
  const options = { ...(await beginIngest()), signal: caller.signal, onProgress }
  await assert.rejects(ingest(file, options), { message: 'enough' })

  assert.deepEqual(await copiesOf(sha256Hex), [])
  assert.deepEqual(await pipeline.partials(), [])
})

test('a store that cannot keep the bytes is not taken for a bad source', async () => {
  await using broken = await startPipeline({ inFolder: true })
  await rm(join(broken.folder, 'partial'), { recursive: true })
  const { file } = payload()
  const { database, blobs } = broken
  const attempt = await broken.begin([publishUpdate(broken.source)])
  await assert.rejects(ingest(file, { ...(await beginIngest()), database, blobs, attempt }), {
    code: 'StoreFailed',
    message: /^"toaster\.swu" could not be kept by the store: ENOENT/,
    mayRecover: true,
  })
})
