import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { asImportInput } from '../../../tests/support/publish-update.ts'
import { seededBytes } from '../../../tests/support/seeded-bytes.ts'
import { unpublishedUpdate } from '../../../tests/support/stage.ts'
import { interrupted, type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { Caller } from '../../domain/caller.ts'
import type { StagedUpload } from '../../domain/staged-upload.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import { findBlob } from '../../store/blobs/blobs.ts'
import { endStatements } from '../../store/operations/attempts.ts'
import { listParts } from '../../store/staging/staged-parts.ts'
import { sweep } from '../deleting/sweep.ts'
import { type Acceptance, acceptImport } from '../operations/accept-operation.ts'
import { expireUploads } from './expire-uploads.ts'
import { withStaging } from './staged-source.ts'
import { createStaging, type Staging, type StagingSettings } from './staging.ts'

const PART_BYTES = 1000
const DAY_MS = 24 * 3600 * 1000
const CALLER: Caller = { subject: 'Ana', issuer: 'urn:tests', address: '::1', traceId: '0'.repeat(32) }
const OWNER = { instance: 'default', subject: 'Ana', issuer: 'urn:tests' }

interface Stage extends AsyncDisposable {
  pipeline: Pipeline
  staging: Staging
  entries: AuditEntry[]
  /** Makes an upload and sends bytes of it. */
  upload(
    bytes: Uint8Array,
    options?: { instance?: string; caller?: Caller; sizeInBytes?: number },
  ): Promise<StagedUpload>
  /** Records an import as the API does. */
  accept(urls: { manifest: string; file: string }, options?: { caller?: Caller; instance?: string }): Promise<string>
  blobCount(): Promise<number>
}

async function openStage({
  settings,
  blobs,
  database,
}: {
  settings?: StagingSettings
  blobs?: (own: BlobStore) => BlobStore
  database?: (own: Pipeline['database']) => Pipeline['database']
} = {}): Promise<Stage> {
  const pipeline = await startPipeline()
  const entries: AuditEntry[] = []
  const audit = { recorded: async (entry: AuditEntry) => void entries.push(entry), async refused() {} }
  const staging = createStaging({
    database: database?.(pipeline.database) ?? pipeline.database,
    blobs: blobs?.(pipeline.blobs) ?? pipeline.blobs,
    audit,
    partBytes: PART_BYTES,
    ...(settings && { settings }),
  })
  return {
    pipeline,
    staging,
    entries,
    async upload(bytes, { instance = 'default', caller = CALLER, sizeInBytes = bytes.length } = {}) {
      const { id } = await staging.create({ instance, caller, sizeInBytes, metadata: '' })
      const owner = { instance, subject: caller.subject, issuer: caller.issuer }
      return await staging.append(id, owner, { offset: 0, body: bodyOf(bytes) })
    },
    async accept({ manifest, file }, { caller = CALLER, instance = 'default' } = {}) {
      const { input } = unpublishedUpdate()
      const { importManifest } = asImportInput(input)
      const request = {
        inputs: [{ importManifest: { ...importManifest, url: manifest }, files: [{ fileName: 'a', url: file }] }],
      }
      const acceptance: Acceptance = { database: pipeline.database, limits: {}, audit, wake() {} }
      return await acceptImport(acceptance, { instance, request, caller })
    },
    async blobCount() {
      return (await Array.fromAsync(pipeline.blobs.list())).length
    },
    [Symbol.asyncDispose]: () => pipeline[Symbol.asyncDispose](),
  }
}

async function* bodyOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

/** Sends some bytes and breaks off. */
async function* brokenBody(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
  throw new Error('aborted')
}

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(bytes, (chunk) => Buffer.from(chunk)))
}

/** What an import that names the upload reads. */
async function read(
  { pipeline: { database, blobs } }: Stage,
  operationId: string,
  { id, sizeInBytes }: Pick<StagedUpload, 'id' | 'sizeInBytes'>,
  from?: { position: number; etag: string },
) {
  const open = withStaging(async () => assert.fail('asked the network'), { database, blobs, operationId })
  const { signal } = new AbortController()
  return await open(new URL(`staging:${id}`), { sizeInBytes, signal, ...(from && { from }) })
}

const both = ({ id }: { id: string }) => ({ manifest: `staging:${id}`, file: `staging:${id}` })

test('an upload is kept in parts, and read in their order by the import that names it', async () => {
  await using stage = await openStage()
  const { staging, pipeline } = stage
  const bytes = seededBytes('upload', 4321)
  const { id } = await staging.create({ instance: 'default', caller: CALLER, sizeInBytes: 4321, metadata: '' })
  const first = await staging.append(id, OWNER, { offset: 0, body: bodyOf(bytes.subarray(0, 2500)) })
  assert.equal(first.bytesReceived, 2500)
  const done = await staging.append(id, OWNER, { offset: 2500, body: bodyOf(bytes.subarray(2500)) })
  assert.equal(done.bytesReceived, 4321)
  const parts = await listParts(pipeline.database, { uploadId: id, position: 0 })
  assert.deepEqual(
    parts.map(({ start, sizeInBytes }) => [start, sizeInBytes]),
    [
      [0, 1000],
      [1000, 1000],
      [2000, 500],
      [2500, 1000],
      [3500, 821],
    ],
  )

  const operationId = await stage.accept(both(done))
  const whole = await read(stage, operationId, done)
  assert.deepEqual([whole.start, whole.etag], [0, `"${id}"`])
  assert.deepEqual(await readAll(whole), bytes)
  const rest = await read(stage, operationId, done, { position: 2400, etag: `"${id}"` })
  assert.equal(rest.start, 2400)
  assert.deepEqual(await readAll(rest), bytes.subarray(2400))
  assert.equal((await read(stage, operationId, done, { position: 2400, etag: '"other"' })).start, 0)
})

test('what came before the connection broke is kept, to the byte', async () => {
  await using stage = await openStage()
  const bytes = seededBytes('broken', 3000)
  const { id } = await stage.upload(bytes.subarray(0, 0), { sizeInBytes: 3000 })
  const broken = { offset: 0, body: brokenBody(bytes.subarray(0, 1234)) }
  await assert.rejects(stage.staging.append(id, OWNER, broken), {
    code: 'InvalidRequest',
    message: 'The connection ended at byte 1234 of 3000.',
  })
  assert.equal((await stage.staging.find(id, OWNER)).bytesReceived, 1234)
  const done = await stage.staging.append(id, OWNER, { offset: 1234, body: bodyOf(bytes.subarray(1234)) })
  assert.deepEqual(await readAll(await read(stage, await stage.accept(both(done)), done)), bytes)
})

test('of two that send at the same place at the same time one wins, and the other is told where the upload ends', async () => {
  await using stage = await openStage()
  const { id } = await stage.upload(Buffer.of(), { sizeInBytes: 2000 })
  const [one, other] = [Buffer.alloc(2000, 1), Buffer.alloc(2000, 2)]
  const outcomes = await Promise.allSettled(
    [one, other].map((bytes) => stage.staging.append(id, OWNER, { offset: 0, body: bodyOf(bytes) })),
  )
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []))
  assert.deepEqual(refused, ['UploadOffsetWrong'])
  const upload = await stage.staging.find(id, OWNER)
  const bytes = await readAll(await read(stage, await stage.accept(both(upload)), upload))
  assert.ok(bytes.equals(one) || bytes.equals(other), 'all of it is of one sender')
  assert.equal(await countPending(stage), 0)
})

async function countPending({ pipeline }: Stage): Promise<number> {
  const [row] = await pipeline.database.query('select count(*) as count from staged_parts where not is_kept')
  return Number(row?.count)
}

test('bytes that begin elsewhere, or are too many, are refused', async () => {
  await using stage = await openStage()
  const { id } = await stage.upload(Buffer.from('abc'), { sizeInBytes: 10 })
  for (const offset of [0, 4]) {
    await assert.rejects(stage.staging.append(id, OWNER, { offset, body: bodyOf(Buffer.from('x')) }), {
      code: 'UploadOffsetWrong',
      message: `Bytes were sent for ${id} at ${offset}, but the upload ends at 3. Ask with HEAD where to go on.`,
    })
  }
  await assert.rejects(stage.staging.append(id, OWNER, { offset: 3, body: bodyOf(Buffer.alloc(8)) }), {
    code: 'UploadTooLarge',
  })
  assert.equal((await stage.staging.find(id, OWNER)).bytesReceived, 3)
})

test('for everybody but its owner an upload is not there', async () => {
  await using stage = await openStage()
  const { id } = await stage.upload(Buffer.from('mine'))
  const sentence = `You have no staged upload ${id} in this instance.`
  const missing = { code: 'NotFound', message: sentence }
  for (const other of [{ subject: 'Bea' }, { issuer: 'urn:others' }, { instance: 'other' }]) {
    const owner = { ...OWNER, ...other }
    await assert.rejects(stage.staging.find(id, owner), missing)
    await assert.rejects(stage.staging.append(id, owner, { offset: 4, body: bodyOf() }), missing)
    const { instance, ...caller } = { ...CALLER, ...owner }
    await assert.rejects(stage.staging.remove({ id, instance, caller }), missing)
    assert.deepEqual(await stage.staging.list(owner, { after: undefined, limit: 10 }), [])
    const operationId = await stage.accept(both({ id }), { caller, instance })
    await assert.rejects(read(stage, operationId, { id, sizeInBytes: 4 }), {
      code: 'StagedUploadMissing',
      message: `You have no staged upload ${id} in this instance. It was never made, or was deleted or imported.`,
    })
  }
  const unknown = '0'.repeat(32)
  await assert.rejects(stage.staging.find(unknown, OWNER), { message: sentence.replace(id, unknown) })
})

test('an import is told of an upload that is incomplete, or of another size', async () => {
  await using stage = await openStage()
  const upload = await stage.upload(Buffer.from('half'), { sizeInBytes: 8 })
  const operationId = await stage.accept(both(upload))
  await assert.rejects(read(stage, operationId, upload), {
    code: 'StagedUploadIncomplete',
    message: `The staged upload ${upload.id} has 4 of 8 bytes. Upload the rest.`,
  })
  await stage.staging.append(upload.id, OWNER, { offset: 4, body: bodyOf(Buffer.from('more')) })
  await assert.rejects(read(stage, operationId, { ...upload, sizeInBytes: 9 }), { code: 'SizeMismatch' })
})

test('what is staged counts for the instance from the beginning, and no more once it is deleted', async () => {
  await using stage = await openStage({ settings: { keepMs: DAY_MS, bytesMax: 1000 } })
  const { staging } = stage
  const { id } = await stage.upload(Buffer.of(), { sizeInBytes: 600 })
  await assert.rejects(stage.upload(Buffer.of(), { sizeInBytes: 401, caller: { ...CALLER, subject: 'Bea' } }), {
    code: 'StagingFull',
    message:
      'The upload has 401 bytes; in this instance 600 are staged, and 1000 may be. Import or delete what is staged.',
  })
  await stage.upload(Buffer.of(), { sizeInBytes: 1000, instance: 'other' })
  await staging.remove({ id, instance: 'default', caller: CALLER })
  await stage.upload(Buffer.of(), { sizeInBytes: 1000 })
  assert.deepEqual(
    stage.entries.map(({ action, instance }) => `${action} ${instance}`),
    ['stage default', 'stage other', 'unstage default', 'stage default'],
  )
})

test('a file larger than an import may hold is refused before it is sent', async () => {
  await using stage = await openStage()
  await assert.rejects(stage.upload(Buffer.of(), { sizeInBytes: 2 ** 31 + 1 }), {
    code: 'UploadTooLarge',
    message: 'The upload would have 2147483649 bytes; a file may have 2147483648.',
  })
})

test('metadata is kept to the letter, and the file name in it is read', async () => {
  await using stage = await openStage()
  const create = (metadata: string) =>
    stage.staging.create({ instance: 'default', caller: CALLER, sizeInBytes: 1, metadata })
  const named = `filename ${Buffer.from('Größe.swu').toString('base64')},is_confidential`
  const upload = await create(named)
  assert.deepEqual([upload.fileName, upload.metadata], ['Größe.swu', named])
  const unnamed = await create('')
  assert.equal(unnamed.fileName, unnamed.id)
  for (const wrong of ['filename !', 'filename YQ==,filename YQ==', ',', 'filename Cg==', `a ${'A'.repeat(5000)}`]) {
    await assert.rejects(create(wrong), { code: 'InvalidRequest', target: 'Upload-Metadata' }, wrong)
  }
})

test('an upload ends when its time is over; sweep takes its bytes, and the room is free', async () => {
  await using stage = await openStage({ settings: { keepMs: 300, bytesMax: 2000 } })
  const { database } = stage.pipeline
  const upload = await stage.upload(seededBytes('expired', 2000))
  const { signal } = new AbortController()
  assert.equal(await expireUploads(database, signal), 0)
  assert.equal((await sweep(stage.pipeline, { graceMs: DAY_MS })).blobsDeleted, 0)
  await delay(350)
  const operationId = await stage.accept(both(upload))
  assert.equal(await expireUploads(database, signal), 0, 'an operation uses it')
  assert.equal((await readAll(await read(stage, operationId, upload))).length, 2000)

  await database.query('delete from operations where id = $1', [operationId])
  assert.equal(await expireUploads(database, signal), 1)
  assert.equal(
    (await sweep(stage.pipeline, { graceMs: DAY_MS })).blobsDeleted,
    2,
    'without waiting for the grace period',
  )
  assert.equal(await stage.blobCount(), 0)
  await assert.rejects(stage.staging.find(upload.id, OWNER), { code: 'UploadExpired' })
  await assert.rejects(read(stage, await stage.accept(both(upload)), upload), {
    code: 'StagedUploadExpired',
    message: `The staged upload ${upload.id} has expired. Upload it again.`,
  })
  await stage.upload(Buffer.of(), { sizeInBytes: 2000 })
  assert.equal((await stage.staging.list(OWNER, { after: undefined, limit: 10 })).length, 1)
})

test('each byte begins the time of an upload anew, and so does an import that fails', async () => {
  await using stage = await openStage({ settings: { keepMs: DAY_MS, bytesMax: 2000 } })
  const { database } = stage.pipeline
  const isFresh = async ({ id }: StagedUpload) => {
    const { expiresAt } = await stage.staging.find(id, OWNER)
    return expiresAt > Date.now() + DAY_MS / 2
  }
  const upload = await stage.upload(Buffer.from('a'), { sizeInBytes: 2 })
  const age = () => database.query('update staged_uploads set expires_at = expires_at - $1', [DAY_MS * 0.9])
  await age()
  assert.ok(!(await isFresh(upload)))
  await stage.staging.append(upload.id, OWNER, { offset: 1, body: bodyOf(Buffer.from('b')) })
  assert.ok(await isFresh(upload))

  await age()
  await stage.accept(both(upload))
  const operation = await stage.pipeline.claim()
  const openSource = withStaging(async () => assert.fail(), { ...stage.pipeline, operationId: operation.operationId })
  const failing = stage.pipeline.run(operation, { openSource })
  const error = await failing.then(
    () => assert.fail('imported'),
    (reason: unknown) => reason as Error,
  )
  assert.match(JSON.stringify(error), /CannotProcessImportManifest/)
  await database.batch(endStatements(operation, { status: 'Failed', error: { code: 'X', message: 'Y' } }))
  assert.ok(await isFresh(upload))
  const uses = await database.query('select * from staged_uses')
  assert.deepEqual(uses, [])
})

test('sweep spares what a part is about to name, even when it looks in between', async () => {
  const bytes = seededBytes('swept', 1000)
  let stage: Stage | undefined
  let sweeps = 0
  await using opened = await openStage({
    // Right after the part is noted, before anybody asks whether the store has it.
    database: (own) =>
      interrupted(own, /insert into staged_parts/, async () => {
        sweeps += 1
        assert.ok(stage)
        assert.equal((await sweep(stage.pipeline, { graceMs: 0 })).blobsDeleted, 0)
      }),
  })
  stage = opened
  // The store has these very bytes, of an upload that was deleted: they are idle.
  const { staging, pipeline } = opened
  const other = createStaging({
    database: pipeline.database,
    blobs: pipeline.blobs,
    audit: { async recorded() {}, async refused() {} },
    partBytes: PART_BYTES,
  })
  const gone = await other.create({ instance: 'default', caller: CALLER, sizeInBytes: 1000, metadata: '' })
  await other.append(gone.id, OWNER, { offset: 0, body: bodyOf(bytes) })
  await other.remove({ id: gone.id, instance: 'default', caller: CALLER })

  const upload = await opened.upload(bytes)
  assert.equal(sweeps, 1)
  assert.equal((await sweep(pipeline, { graceMs: 0 })).blobsDeleted, 0)
  assert.deepEqual(await readAll(await read(opened, await opened.accept(both(upload)), upload)), bytes)
  await staging.remove({ id: upload.id, instance: 'default', caller: CALLER })
  assert.equal((await sweep(pipeline, { graceMs: DAY_MS })).blobsDeleted, 1)
})

test('a full disk is told with the room there is; what came before is kept, and the upload goes on once there is room', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  let isFull = false
  await using stage = await openStage({
    blobs: (own) => ({ ...own, create: (blob) => (isFull ? Promise.reject(full) : own.create(blob)) }),
  })
  const bytes = seededBytes('full', 2500)
  const { id } = await stage.upload(bytes.subarray(0, 1000), { sizeInBytes: 2500 })
  isFull = true
  await assert.rejects(stage.staging.append(id, OWNER, { offset: 1000, body: bodyOf(bytes.subarray(1000)) }), {
    code: 'StoreFull',
  })
  assert.equal(await countPending(stage), 0)
  assert.equal((await stage.staging.find(id, OWNER)).bytesReceived, 1000)
  isFull = false
  const done = await stage.staging.append(id, OWNER, { offset: 1000, body: bodyOf(bytes.subarray(1000)) })
  assert.deepEqual(await readAll(await read(stage, await stage.accept(both(done)), done)), bytes)
})

test('an upload that is deleted while it is sent is gone, and nothing of it stays', async () => {
  let remove: (() => Promise<void>) | undefined
  await using stage = await openStage({
    blobs: (own) => ({
      ...own,
      async create(blob) {
        await remove?.()
        return await own.create(blob)
      },
    }),
  })
  const { id } = await stage.upload(Buffer.of(), { sizeInBytes: 1000 })
  remove = () => stage.staging.remove({ id, instance: 'default', caller: CALLER })
  await assert.rejects(stage.staging.append(id, OWNER, { offset: 0, body: bodyOf(seededBytes('gone', 1000)) }), {
    code: 'NotFound',
  })
  await sweep(stage.pipeline, { graceMs: 0 })
  assert.equal(await stage.blobCount(), 0)
})

test('an upload of a process that died at any write goes on from its last part, and leaves nothing behind', async () => {
  // What a death leaves between noting a part and counting it, with its bytes stored.
  await using stage = await openStage()
  const { database } = stage.pipeline
  const bytes = seededBytes('died', 2000)
  const { id } = await stage.upload(bytes.subarray(0, 1000), { sizeInBytes: 2000 })
  await database.query(
    `insert into staged_parts (upload_id, start, sha256, size_in_bytes, is_kept) values ($1, 1000, $2, 10, false)`,
    [id, 'a'.repeat(64)],
  )
  await database.query(
    `insert into blobs (sha256, name, size_in_bytes, stored_at, scanned_at) values ($1, $2, 10, 0, 0)`,
    ['a'.repeat(64), `${'a'.repeat(64)}.00000000`],
  )
  const done = await stage.staging.append(id, OWNER, { offset: 1000, body: bodyOf(bytes.subarray(1000)) })
  assert.equal(await countPending(stage), 0)
  assert.deepEqual(await readAll(await read(stage, await stage.accept(both(done)), done)), bytes)
  await sweep(stage.pipeline, { graceMs: DAY_MS })
  assert.equal(await findBlob(database, 'a'.repeat(64)), undefined)
})

test('a part that the store has lost fails the import with a sentence', async () => {
  await using stage = await openStage()
  const upload = await stage.upload(seededBytes('lost', 2000))
  const [, second] = await listParts(stage.pipeline.database, { uploadId: upload.id, position: 0 })
  assert.ok(second?.blob)
  await stage.pipeline.blobs.delete(second.blob)
  const body = await read(stage, await stage.accept(both(upload)), upload)
  await assert.rejects(readAll(body), { code: 'BlobMissing' })
})

test('lists the uploads of the owner, newest first, page by page', async () => {
  await using stage = await openStage()
  const ids: string[] = []
  for (let i = 0; i < 5; i += 1) ids.push((await stage.upload(Buffer.of(), { sizeInBytes: 1 })).id)
  await stage.pipeline.database.query('update staged_uploads set created_at = 1 where id = $1', [ids[0] ?? ''])
  const found: string[] = []
  for (let after: StagedUpload | undefined; ; ) {
    const page = await stage.staging.list(OWNER, { after, limit: 2 })
    found.push(...page.map(({ id }) => id))
    after = page.at(-1)
    if (page.length < 2) break
  }
  assert.deepEqual([...found].sort(), [...ids].sort())
  assert.equal(found.at(-1), ids[0])
})

test('a stopping server keeps what came, and says so', async () => {
  await using stage = await openStage()
  const { id } = await stage.upload(Buffer.of(), { sizeInBytes: 2000 })
  const appended = stage.staging.append(id, OWNER, {
    offset: 0,
    body: (async function* () {
      yield Buffer.alloc(1500, 7)
      await new Promise(() => {})
    })(),
  })
  const refused = assert.rejects(appended, { code: 'Unavailable' })
  await delay(50)
  await stage.staging.stop()
  await refused
  assert.equal((await stage.staging.find(id, OWNER)).bytesReceived, 1500)
})

test('nobody may have uploads without end', async () => {
  await using stage = await openStage()
  const { database } = stage.pipeline
  await stage.upload(Buffer.of(), { sizeInBytes: 1 })
  const columns = `instance, subject, issuer, metadata, file_name, size_in_bytes, bytes_received, created_at, keep_ms, expires_at`
  const [row] = await database.query(`select ${columns} from staged_uploads`)
  assert.ok(row)
  const values = Object.values(row)
  await database.batch(
    Array.from({ length: 999 }, () => ({
      sql: `insert into staged_uploads (id, ${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      params: [randomUUID(), ...values],
    })),
  )
  await assert.rejects(stage.upload(Buffer.of(), { sizeInBytes: 1 }), {
    code: 'StagingFull',
    message: 'You have 1000 staged uploads in this instance, and may have 1000. Import or delete some.',
  })
  await stage.upload(Buffer.of(), { sizeInBytes: 1, caller: { ...CALLER, subject: 'Bea' } })
})

test('an upload that comes in drops has an end', async () => {
  await using stage = await openStage()
  const { id } = await stage.upload(Buffer.of(), { sizeInBytes: 100_000 })
  await stage.pipeline.database.query(
    `insert into staged_parts (upload_id, start, sha256, size_in_bytes, is_kept)
       with recursive n (i) as (select 0 union all select i + 1 from n where i < 9998) select $1, i, 'a', 1, true from n`,
    [id],
  )
  await stage.pipeline.database.query('update staged_uploads set bytes_received = 9999')
  await stage.staging.append(id, OWNER, { offset: 9999, body: bodyOf(Buffer.of(1)) })
  await assert.rejects(stage.staging.append(id, OWNER, { offset: 10_000, body: bodyOf(Buffer.of(1)) }), {
    code: 'UploadTooLarge',
    message: `${id} came in more than 10000 pieces. Delete it, and upload in larger ones.`,
  })
})
