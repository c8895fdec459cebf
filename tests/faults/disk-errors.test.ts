import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { AppError } from '../../src/domain/errors.ts'
import { endStatements } from '../../src/store/operations/attempts.ts'
import { findUpdate } from '../../src/store/updates/updates.ts'
import { breakDisk, type DiskCall } from '../support/failing-files.ts'
import { type PublishedUpdate, publishUpdate } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type Pipeline, startPipeline } from '../support/start-pipeline.ts'
import { checkData } from './check-data.ts'

const MiB = 1024 * 1024

describe('a disk that reports an error', () => {
  let pipeline: Pipeline
  beforeEach(async () => {
    pipeline = await startPipeline({ onDisk: true })
  })
  afterEach(() => pipeline?.[Symbol.asyncDispose]())

  const cases: { call: DiskCall; after?: number; title: string }[] = [
    { call: 'open', title: 'when a file is made' },
    { call: 'write', title: 'at the first write' },
    { call: 'write', after: 2, title: 'at a later write' },
    { call: 'sync', title: 'at the first flush' },
    { call: 'sync', after: 1, title: 'at the last flush of a file' },
    { call: 'rename', title: 'when a file gets its name' },
  ]
  for (const { call, after = 0, title } of cases) {
    test(`${title} fails the import with that cause, and the next one works`, async () => {
      const kept = await pipeline.import()
      const update = published()
      const operation = await pipeline.begin([update])
      {
        using _ = await breakDisk(call, { after })
        await assert.rejects(pipeline.run(operation), (error) => {
          assert.equal(innermost(error).code, 'StoreFailed')
          assert.match(innermost(error).message, new RegExp(`could not be kept by the store: EIO: i/o error, ${call}`))
          return true
        })
      }
      const error = { code: 'CannotProcessUpdateFile', message: 'as the worker notes it' }
      await pipeline.database.batch(endStatements(operation, { status: 'Failed', error }))
      assert.equal(await findUpdate(pipeline.database, 'default', update.updateId), undefined)
      assert.deepEqual(await pipeline.partials(), [])
      assert.deepEqual(await checkData({ folder: pipeline.folder }), [])

      await pipeline.run(await pipeline.begin([update]))
      assert.deepEqual(await checkData({ folder: pipeline.folder }), [])
      for (const { updateId } of [kept, update]) {
        assert.ok(await findUpdate(pipeline.database, 'default', updateId))
      }
    })
  }

  test('when stored bytes are read again fails the import with that cause, not as a mistake of the program', async () => {
    const bytes = seededBytes('stored', MiB)
    await pipeline.import({ files: [{ name: 'a.bin', bytes }] })
    // Another hash is stated, so the stored bytes have to prove that they have it.
    const md5 = { '/files/0/hashes/md5': '1B2M2Y8AsgTpgAmY7PhCfg==' }
    const again = publishUpdate(pipeline.source, { files: [{ name: 'a.bin', bytes }], changes: md5 })
    const operation = await pipeline.begin([again])
    using _ = await breakDisk('read')
    await assert.rejects(pipeline.run(operation), (error) => {
      assert.equal(innermost(error).code, 'StoreFailed')
      assert.match(innermost(error).message, /EIO/)
      return true
    })
  })

  test('while content is read is told to the reader: it never ends early as if it were whole', async () => {
    await pipeline.import({ files: [{ name: 'a.bin', bytes: seededBytes('read', MiB) }] })
    const stored = await Array.fromAsync(pipeline.blobs.list())
    const { name } = stored.find(({ sizeInBytes }) => sizeInBytes === MiB)!
    const bytes = await pipeline.blobs.open(name)
    using _ = await breakDisk('read', { after: 1 })
    await assert.rejects(Array.fromAsync(bytes), { code: 'EIO' })
  })

  function published(): PublishedUpdate {
    return publishUpdate(pipeline.source, { files: [{ name: 'large.bin', bytes: seededBytes('large', 20 * MiB) }] })
  }
})

function innermost(error: unknown): AppError {
  assert.ok(error instanceof AppError, `${error}`)
  return error.inner === undefined ? error : innermost(error.inner)
}
