import assert from 'node:assert/strict'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { holdContent } from '../../../tests/support/hold-content.ts'
import { answerStatus } from '../../../tests/support/misbehaving-source.ts'
import { publishUpdate, sha256Of } from '../../../tests/support/publish-update.ts'
import { interrupted, type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { type BlobName, hexOfBase64, newBlobName } from '../../domain/blob.ts'
import { findBlob, recordBlob } from '../../store/blobs/blobs.ts'
import { endStatements } from '../../store/operations/attempts.ts'
import { settleBlob } from '../blobs/settle-blob.ts'
import { sweep, sweepLeftovers } from './sweep.ts'

const AT_ONCE = { graceMs: 0 }
const ERROR = { code: 'CannotProcessUpdateFile', message: 'for the sake of a test' }
const DAY_MS = 24 * 3600 * 1000

let digests = 0
/** A digest that no other test has. No store checks whether it is the right one. */
function newDigest(): string {
  digests += 1
  return digests.toString(16).padStart(64, '0')
}

/** Puts a blob into the store for an import that is still running. */
async function storeBlob({ database, blobs, ...pipeline }: Pipeline, sha256: string) {
  const attempt = await pipeline.begin([publishUpdate(pipeline.source)])
  await holdContent(database, { attempt, sha256 })
  const name = newBlobName(sha256)
  await using writer = await blobs.create({ name, sizeInBytes: 3 })
  await writer.write(Buffer.from('abc'))
  await settleBlob(writer, { name, sha256, sizeInBytes: 3 }, { database, blobs })
  const fail = () => database.batch(endStatements(attempt, { status: 'Failed', error: ERROR }))
  return { name, fail }
}

async function isThere({ database, blobs }: Pipeline, sha256: string, name: BlobName): Promise<boolean> {
  const [row, size] = [await findBlob(database, sha256), await blobs.size(name)]
  assert.equal(row === undefined, size === undefined, 'row and bytes are there together')
  return size !== undefined
}

test('a blob that nothing names goes when it was idle for the grace period, and not before', async () => {
  await using pipeline = await startPipeline()
  const sha256 = newDigest()
  const { name, fail } = await storeBlob(pipeline, sha256)
  await fail()
  assert.equal((await sweep(pipeline, { graceMs: 60_000 })).blobsDeleted, 0)
  assert.ok(await isThere(pipeline, sha256, name))
  assert.equal((await sweep(pipeline, AT_ONCE)).blobsDeleted, 1)
  assert.ok(!(await isThere(pipeline, sha256, name)))
})

test('a blob that a running import holds stays, whoever else has let go of it', async () => {
  await using pipeline = await startPipeline()
  const sha256 = newDigest()
  const { name, fail } = await storeBlob(pipeline, sha256)
  const other = await pipeline.begin([publishUpdate(pipeline.source)])
  await holdContent(pipeline.database, { attempt: other, sha256 })
  await fail()
  assert.equal((await sweep(pipeline, AT_ONCE)).blobsDeleted, 0)
  assert.ok(await isThere(pipeline, sha256, name))

  await pipeline.database.batch(endStatements(other, { status: 'Failed', error: ERROR }))
  assert.equal((await sweep(pipeline, AT_ONCE)).blobsDeleted, 1, 'and goes when the last one lets go')
})

test('an idle blob that an update came to use stays', async () => {
  await using pipeline = await startPipeline()
  const bytes = Buffer.from('used again')
  const failing = publishUpdate(pipeline.source, {
    files: [
      { name: 'a.bin', bytes },
      { name: 'b.bin', bytes: Buffer.from('missing'), behaviour: answerStatus(404) },
    ],
  })
  const attempt = await pipeline.begin([failing])
  await assert.rejects(pipeline.run(attempt), { code: 'CannotProcessUpdateFile' })
  await pipeline.import({ files: [{ name: 'a.bin', bytes }] })
  // The failed import ends last, and leaves as idle what the update uses by now.
  await pipeline.database.batch(endStatements(attempt, { status: 'Failed', error: ERROR }))

  assert.equal((await sweep(pipeline, AT_ONCE)).blobsDeleted, 1, 'the manifest of the failed import')
  const sha256 = hexOfBase64(sha256Of(bytes))
  const kept = await findBlob(pipeline.database, sha256)
  assert.ok(kept && (await isThere(pipeline, sha256, kept.name)))
  const idle = await pipeline.database.query('select * from blobs where idle_since is not null')
  assert.deepEqual(idle, [], 'the next sweep need not look at it again')
})

test('an import that asks for a blob between the look and the deletion keeps it', async () => {
  await using pipeline = await startPipeline()
  const sha256 = newDigest()
  const { name, fail } = await storeBlob(pipeline, sha256)
  await fail()
  const attempt = await pipeline.begin([publishUpdate(pipeline.source)])
  const database = interrupted(pipeline.database, /from blobs where idle_since/, async () => {
    assert.equal((await holdContent(pipeline.database, { attempt, sha256 }))?.name, name)
  })
  assert.equal((await sweep({ ...pipeline, database }, AT_ONCE)).blobsDeleted, 0)
  assert.ok(await isThere(pipeline, sha256, name))
})

test('an import that asks after the row has gone stores a copy of its own, which the late deletion does not hit', async () => {
  await using pipeline = await startPipeline()
  const sha256 = newDigest()
  const { name, fail } = await storeBlob(pipeline, sha256)
  await fail()
  let copy: BlobName | undefined
  const database = interrupted(pipeline.database, /delete from blobs/, async () => {
    copy = (await storeBlob(pipeline, sha256)).name
  })
  assert.equal((await sweep({ ...pipeline, database }, AT_ONCE)).blobsDeleted, 1)
  assert.equal(await pipeline.blobs.size(name), undefined)
  assert.ok(copy !== undefined && (await isThere(pipeline, sha256, copy)))
})

test('a blob that was stored for nobody, since its import was lost meanwhile, is swept too', async () => {
  await using pipeline = await startPipeline()
  const sha256 = newDigest()
  const name = newBlobName(sha256)
  await recordBlob(pipeline.database, { sha256, name, sizeInBytes: 3 })
  assert.equal((await sweep(pipeline, AT_ONCE)).blobsDeleted, 1)
  assert.equal(await findBlob(pipeline.database, sha256), undefined)
})

test('operations are forgotten seven days after their end, and running ones never', async () => {
  await using pipeline = await startPipeline()
  const { database } = pipeline
  await pipeline.import()
  await pipeline.import()
  const running = await pipeline.begin([publishUpdate(pipeline.source)])
  await database.query('update operations set created_at = created_at - $1', [8 * DAY_MS])
  const [oldest] = await database.query('select id from operations where ended_at is not null limit 1')
  await database.query('update operations set ended_at = ended_at - $1 where id = $2', [7 * DAY_MS, String(oldest?.id)])

  assert.equal((await sweep(pipeline, AT_ONCE)).operationsForgotten, 1)
  const left = await database.query('select id from operations')
  assert.equal(left.length, 2)
  assert.ok(left.some(({ id }) => id === running.operationId))
})

test('of what a crash left, only what is old and not in force is deleted', async () => {
  await using pipeline = await startPipeline({ inFolder: true })
  const { blobs, folder } = pipeline
  const inForce = (await storeBlob(pipeline, newDigest())).name
  const [old, young] = [newBlobName(newDigest()), newBlobName(newDigest())]
  for (const name of [old, young]) {
    await using writer = await blobs.create({ name, sizeInBytes: 3 })
    await writer.write(Buffer.from('abc'))
    await writer.commit()
  }
  const twoDaysAgo = new Date(Date.now() - 2 * DAY_MS)
  for (const name of [old, inForce]) await utimes(join(folder, 'v1', name.slice(0, 2), name), twoDaysAgo, twoDaysAgo)

  assert.equal(await sweepLeftovers(pipeline, new AbortController().signal), 1)
  const left = await Array.fromAsync(blobs.list(), ({ name }) => name)
  assert.deepEqual(left.sort(), [inForce, young].sort())
})

test('a pass that had to stop says that there is more', async () => {
  await using pipeline = await startPipeline()
  const { database, blobs } = pipeline
  const statements = Array.from({ length: 501 }, (_, index) => ({
    sql: `insert into blobs (sha256, name, size_in_bytes, stored_at, idle_since) values ($1, $2, 0, 0, 1)`,
    params: [`many ${index}`, `${'ab'.repeat(32)}.${index.toString(16).padStart(8, '0')}`],
  }))
  await database.batch(statements)
  assert.equal((await sweep({ database, blobs }, { graceMs: 0 })).hasMore, true)
  assert.equal((await sweep({ database, blobs }, { graceMs: 0 })).hasMore, false)
})
