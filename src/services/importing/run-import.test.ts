import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Behaviour,
  neverAnswer,
  serveBytes,
  serveOtherBytes,
  stall,
  trickle,
} from '../../../tests/support/misbehaving-source.ts'
import { eventually } from '../../../tests/support/operation-end.ts'
import { paced } from '../../../tests/support/paced.ts'
import { type PublishedUpdate, publishUpdate, requestsFor } from '../../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { newBlobName } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import { BatchConflict, type Database } from '../../ports/database.ts'
import { endStatements, guardAttempt, releaseLease } from '../../store/operations/attempts.ts'
import { listItems } from '../../store/operations/operation-items.ts'
import { listProgress, noteFiles, notePartial, noteProgress } from '../../store/operations/progress.ts'
import { findUpdate, listUpdates } from '../../store/updates/updates.ts'
import { runDeletion } from '../deleting/run-deletion.ts'
import { LostAttempt } from '../operations/attempt-end.ts'

const BYTES = Buffer.from('the bytes of a payload')
const CHILD = { provider: 'Contoso', name: 'Child', version: '1.0' }

async function remove(pipeline: Pipeline, updateId: UpdateId): Promise<void> {
  await pipeline.record({ kind: 'delete', updateId })
  await runDeletion(await pipeline.claim(), updateId, pipeline.database)
}

/** A file at whose request something happens before it is answered. */
function fileWith(meanwhile: () => Promise<unknown>) {
  let isDue = true
  const behaviour: Behaviour = (request, response) => {
    const done = isDue ? meanwhile() : Promise.resolve()
    isDue = false
    done.then(() => serveBytes(BYTES)(request, response))
  }
  return [{ name: 'a.bin', bytes: BYTES, behaviour }]
}

async function failureOf(running: Promise<void>): Promise<AppError> {
  const error = await running.then(
    () => assert.fail('the import succeeds'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof AppError, String(error))
  return error
}

async function countUpdates({ database }: Pipeline): Promise<number> {
  return (await listUpdates(database, { instance: 'default', limit: 100 })).items.length
}

describe('while the files of an import come,', () => {
  test('its child is deleted: the import fails and says so', async () => {
    await using pipeline = await startPipeline()
    await pipeline.import({ ...CHILD, isDeployable: false })
    const files = fileWith(() => remove(pipeline, CHILD))
    const parent = publishUpdate(pipeline.source, { references: [CHILD], files })
    const error = await failureOf(pipeline.run(await pipeline.begin([parent])))
    assert.equal(error.inner?.inner?.code, 'ReferenceNotFound')
    assert.match(error.inner?.message ?? '', /Contoso\/Child\/1\.0/)
    assert.equal(await countUpdates(pipeline), 0)
  })

  test('its child is deleted and another one comes under the same name: it takes that one', async () => {
    await using pipeline = await startPipeline()
    await pipeline.import({ ...CHILD, isDeployable: false })
    const files = fileWith(async () => {
      await remove(pipeline, CHILD)
      await pipeline.import({ ...CHILD, isDeployable: false })
    })
    const parent = publishUpdate(pipeline.source, { references: [CHILD], files })
    await pipeline.run(await pipeline.begin([parent]))
    assert.equal(await countUpdates(pipeline), 2)
    assert.deepEqual((await findUpdate(pipeline.database, 'default', CHILD))?.referencedBy, [parent.updateId])
    assert.equal(requestsFor(pipeline.source, parent.paths.get('a.bin')), 1)
  })

  test('another import takes its identity: it fails, and the other update stays as it is', async () => {
    await using pipeline = await startPipeline()
    const id = { provider: 'Contoso', name: 'Raced', version: '1.0' }
    const files = fileWith(() => pipeline.import({ ...id, name: 'RACED' }))
    const late = publishUpdate(pipeline.source, { ...id, files })
    const error = await failureOf(pipeline.run(await pipeline.begin([late])))
    assert.equal(error.code, 'UpdateAlreadyExists')
    assert.match(error.message, /Contoso\/RACED\/1\.0/)
    assert.equal((await findUpdate(pipeline.database, 'default', id))?.updateId.name, 'RACED')
  })

  test('another operation imports the same manifest: it fails as a duplicate', async () => {
    await using pipeline = await startPipeline()
    const update: PublishedUpdate = publishUpdate(pipeline.source, {
      files: fileWith(async () => pipeline.run(await pipeline.begin([update]))),
    })
    const error = await failureOf(pipeline.run(await pipeline.begin([update])))
    assert.equal(error.code, 'DuplicateContentImport')
    assert.equal(await countUpdates(pipeline), 1)
  })

  test('another import takes the identity of one of its updates: none of them is published', async () => {
    await using pipeline = await startPipeline()
    const files = fileWith(() => pipeline.import({ ...CHILD, isDeployable: false }))
    const parent = publishUpdate(pipeline.source, { references: [CHILD], files })
    const child = publishUpdate(pipeline.source, { ...CHILD, isDeployable: false, changes: { '/description': 'mine' } })
    const error = await failureOf(pipeline.run(await pipeline.begin([parent, child])))
    assert.equal(error.code, 'UpdateAlreadyExists')
    assert.equal(await countUpdates(pipeline), 1)
  })

  test('it is lost to another attempt: nothing is published', async () => {
    await using pipeline = await startPipeline()
    const operation = await pipeline.begin([
      publishUpdate(pipeline.source, {
        files: fileWith(async () => {
          await releaseLease(pipeline.database, operation)
          await pipeline.claim()
        }),
      }),
    ])
    await assert.rejects(pipeline.run(operation))
    assert.equal(await countUpdates(pipeline), 0)
  })

  test('it is lost before its manifest is read: no file is fetched, and nothing is held', async () => {
    await using pipeline = await startPipeline()
    const { database, source } = pipeline
    const update = publishUpdate(source, { files: [{ name: 'a.bin', bytes: BYTES, behaviour: serveBytes(BYTES) }] })
    const operation = await pipeline.begin([update])
    await database.batch(endStatements(operation, { status: 'Failed', error: { code: 'UpdateNotFound', message: '' } }))
    await assert.rejects(pipeline.run(operation), (error) => error instanceof BatchConflict && error.reason === 'guard')
    const [{ url = '' } = {}] = update.input.files ?? []
    assert.equal(requestsFor(source, new URL(url).pathname), 0)
    assert.deepEqual(await database.query('select * from blob_holds'), [])
  })
})

test('a refused import says what it was about, and takes hold of nothing', async () => {
  await using pipeline = await startPipeline()
  const { database, source } = pipeline
  const { updateId } = await pipeline.import({ ...CHILD, files: [{ name: 'a.bin', bytes: BYTES }] })
  const operation = await pipeline.begin([publishUpdate(source, { ...CHILD, changes: { '/description': 'mine' } })])
  assert.equal((await failureOf(pipeline.run(operation))).code, 'UpdateAlreadyExists')
  assert.deepEqual(
    (await listItems(database, operation.operationId)).map((item) => item.updateId),
    [updateId],
  )
  assert.deepEqual(await database.query('select * from blob_holds'), [])
})

test('an attempt goes on where the last one ended, and its progress says so', async () => {
  await using pipeline = await startPipeline()
  const stop = new AbortController()
  const update = publishUpdate(pipeline.source, {
    files: [
      { name: 'quick.bin', bytes: BYTES },
      { name: 'slow.bin', bytes: BYTES, behaviour: stall(BYTES, { afterBytes: 5 }) },
    ],
  })
  const operation = await pipeline.begin([update])
  const progress = () => listProgress(pipeline.database, operation.operationId)
  const running = pipeline.run(operation, { signal: stop.signal })
  await eventually('one file is done', async () => (await progress()).some(({ phase }) => phase === 'Done'))
  stop.abort(new Error('the server stops'))
  await assert.rejects(running, { message: 'the server stops' })
  assert.deepEqual(await pipeline.partials(), [])

  pipeline.source.at(update.paths.get('slow.bin') ?? '', serveBytes(BYTES))
  await releaseLease(pipeline.database, operation)
  await pipeline.run(await pipeline.claim())
  assert.equal(requestsFor(pipeline.source, update.paths.get('quick.bin')), 1)
  assert.equal(requestsFor(pipeline.source, update.paths.get('slow.bin')), 2)
  assert.deepEqual(
    (await progress()).map(({ phase, bytesDone }) => [phase, bytesDone]),
    [
      ['Done', BYTES.length],
      ['Done', BYTES.length],
    ],
  )
})

describe('a source that takes too long fails the import,', () => {
  const limits = { silenceMs: 300, slowMs: 300, slowBytesPerSecond: 1000, totalMs: 5000 }
  const cases: Record<string, { behaviour: Behaviour; says: RegExp }> = {
    'when it never answers': { behaviour: neverAnswer, says: /no answer within 0\.3 s/ },
    'when it falls silent': {
      behaviour: stall(BYTES, { afterBytes: 5 }),
      says: /nothing came for 0\.3 s, after 5 of 22 bytes/,
    },
    'when it trickles': { behaviour: trickle(BYTES, { everyMs: 50 }), says: /slower than 1000 bytes a second/ },
  }
  for (const [name, { behaviour, says }] of Object.entries(cases)) {
    test(name, async () => {
      await using pipeline = await startPipeline({ limits })
      const update = publishUpdate(pipeline.source, { files: [{ name: 'a.bin', bytes: BYTES, behaviour }] })
      const error = await failureOf(pipeline.run(await pipeline.begin([update])))
      assert.equal(error.code, 'CannotProcessUpdateFile')
      assert.equal(error.target, 'a.bin')
      assert.equal(error.inner?.code, 'ContentFileCannotDownload')
      assert.equal(error.inner?.inner?.code, 'SourceTimeout')
      assert.match(error.inner?.message ?? '', says)
      assert.match(error.inner?.message ?? '', /^"a\.bin": http:/)
      assert.doesNotMatch(error.inner?.message ?? '', /sig=/)
      assert.deepEqual(await pipeline.partials(), [])
    })
  }
})

test('a store that cannot keep the manifest fails the import and says why', async () => {
  await using pipeline = await startPipeline({ inFolder: true })
  // A parent without files of its own: nothing but its manifest has to be kept.
  await pipeline.import({ ...CHILD, isDeployable: false })
  const operation = await pipeline.begin([publishUpdate(pipeline.source, { files: [], references: [CHILD] })])
  await rm(join(pipeline.folder, 'partial'), { recursive: true })
  const error = await failureOf(pipeline.run(operation))
  assert.equal(error.code, 'CannotProcessImportManifest')
  assert.equal(error.inner?.inner?.code, 'StoreFailed')
  assert.match(error.inner?.message ?? '', /The import manifest could not be kept by the store: ENOENT/)
})

test('an attempt that is overtaken right before it publishes brings nothing back, even what was deleted since', async () => {
  await using pipeline = await startPipeline()
  const { database } = pipeline
  const update = publishUpdate(pipeline.source)
  const late = await pipeline.begin([update])
  let isDue = true
  const overtaken: Database = {
    ...database,
    async batch(statements) {
      if (isDue && statements.some(({ sql }) => sql.includes('insert into updates'))) {
        isDue = false
        await releaseLease(database, late)
        await pipeline.run(await pipeline.claim())
        assert.equal(await countUpdates(pipeline), 1)
        await remove(pipeline, update.updateId)
      }
      await database.batch(statements)
    },
  }
  await assert.rejects(pipeline.run(late, { database: overtaken }), LostAttempt)
  assert.equal(isDue, false)
  assert.equal(await countUpdates(pipeline), 0)
})

describe('progress that', () => {
  /** The database, but news about a download that is under way waits for `until`. */
  const slowNews = ({ database }: Pipeline, until: () => Promise<unknown>): Database => ({
    ...database,
    async query(sql, params = []) {
      if (params.includes('Downloading')) await until()
      return await database.query(sql, params)
    },
  })

  test('cannot be noted fails no import', async () => {
    await using pipeline = await startPipeline()
    const bytes = Buffer.alloc(1000, 'news')
    const behaviour = paced(serveBytes(bytes), { bodyMs: 300 })
    const update = publishUpdate(pipeline.source, { files: [{ name: 'a.bin', bytes, behaviour }] })
    let calls = 0
    const database = slowNews(pipeline, () => {
      calls += 1
      return Promise.reject(new AppError('DatabaseFailed', 'The database cannot be used: a test.'))
    })
    await pipeline.run(await pipeline.begin([update]), { database })
    assert.equal(calls, 1)
    assert.equal(await countUpdates(pipeline), 1)
  })

  test('is noted slowly holds up no download, and is not told after the file is done', async () => {
    await using pipeline = await startPipeline()
    const bytes = Buffer.alloc(3_000_000, 'news')
    const { promise: isSent, resolve: onSent } = Promise.withResolvers<void>()
    const behaviour = paced(serveBytes(bytes), { bodyMs: 300, onSent })
    const update = publishUpdate(pipeline.source, { files: [{ name: 'a.bin', bytes, behaviour }] })
    const operation = await pipeline.begin([update])
    // The first news comes to its end when all has come, and not before.
    const database = slowNews(pipeline, async () => {
      await isSent
      await sleep(100)
    })
    await pipeline.run(operation, { database })
    const [file] = await listProgress(pipeline.database, operation.operationId)
    assert.deepEqual([file?.phase, file?.bytesDone], ['Done', bytes.length])
  })

  test('cannot be noted for long holds up no failure', { timeout: 20_000 }, async () => {
    await using pipeline = await startPipeline()
    const bytes = Buffer.alloc(1000, 'news')
    const behaviour = paced(serveOtherBytes(bytes), { bodyMs: 300 })
    const update = publishUpdate(pipeline.source, { files: [{ name: 'a.bin', bytes, behaviour }] })
    const database = slowNews(pipeline, () => new Promise(() => {}))
    const error = await failureOf(pipeline.run(await pipeline.begin([update]), { database }))
    assert.equal(error.code, 'CannotProcessUpdateFile')
  })

  test('a lost attempt tells is not kept', async () => {
    await using pipeline = await startPipeline()
    const { database, source } = pipeline
    const lost = await pipeline.begin([publishUpdate(source)])
    await database.batch([
      guardAttempt(lost),
      ...noteFiles(lost, [{ item: 0, ordinal: 0, fileName: 'a.bin', sizeInBytes: 10 }]),
    ])
    await releaseLease(database, lost)
    const held = await pipeline.claim()
    const position = { item: 0, ordinal: 0 }
    await noteProgress(database, held, position, { bytesDone: 10, phase: 'Done' })
    await noteProgress(database, lost, position, { bytesDone: 5, phase: 'Downloading' })
    await notePartial(database, lost, position, { partial: newBlobName('0'.repeat(64)), sourceEtag: '"one"' })
    const [file] = await listProgress(database, held.operationId)
    assert.deepEqual([file?.phase, file?.bytesDone, file?.left], ['Done', 10, undefined])
  })
})
