import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { publishUpdate } from '../../../tests/support/publish-update.ts'
import { broken, CDN, type Distributed, startDistributed } from '../../../tests/support/start-distributed.ts'
import { AppError } from '../../domain/errors.ts'
import type { DistributionStore } from '../../ports/distribution-store.ts'
import { listProgress } from '../../store/operations/progress.ts'
import { findUpdate } from '../../store/updates/updates.ts'
import type { ImportDistribution } from '../importing/run-import.ts'
import { Parked } from '../operations/attempt-end.ts'

const FILES = ['one.bin', 'two.bin', 'three.bin'].map((name) => ({ name, bytes: Buffer.from(name) }))

/** That imports must reach this store. */
function requiring(store: DistributionStore): { distribution: ImportDistribution } {
  return { distribution: { stores: [CDN, 'other'], required: [{ name: CDN, store }], pausesMs: [1, 1] } }
}

const away = async () => {
  throw new Error('the store is away')
}

async function beginImport(distributed: Distributed) {
  const update = publishUpdate(distributed.source, { files: FILES })
  return { update, operation: await distributed.begin([update]) }
}

describe('an import that must reach a distribution store', () => {
  test('is published when every file is there, and not before', async () => {
    await using distributed = await startDistributed()
    const { database, cdn } = distributed
    const { update, operation } = await beginImport(distributed)
    const phases = new Set<string>()
    const store = broken(cdn, {
      async put(copy, bytes) {
        assert.equal(await findUpdate(database, 'default', update.updateId), undefined)
        for (const { phase } of await listProgress(database, operation.operationId)) phases.add(phase)
        await cdn.put(copy, bytes)
      },
    })
    await distributed.run(operation, requiring(store))
    assert.ok(phases.has('Distributing'))
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 3)
    const progress = await listProgress(database, operation.operationId)
    assert.deepEqual(
      progress.map(({ phase }) => phase),
      ['Done', 'Done', 'Done'],
    )
    const others = await database.query(`select state from distribution where store = 'other'`)
    assert.deepEqual(
      others.map(({ state }) => state),
      ['Waiting', 'Waiting', 'Waiting'],
    )
  })

  test('fails where a store does not take a file after some tries, with its name and the last cause', async () => {
    await using distributed = await startDistributed()
    const { update, operation } = await beginImport(distributed)
    let tries = 0
    const store = broken(distributed.cdn, {
      async put(copy) {
        if (!copy.path.endsWith('two.bin')) return
        tries += 1
        await away()
      },
    })
    await assert.rejects(distributed.run(operation, requiring(store)), (error: AppError) => {
      assert.ok(error instanceof AppError)
      assert.deepEqual([error.code, error.target, error.mayRecover], ['DistributionFailed', 'two.bin', true])
      assert.equal(
        error.message,
        '"two.bin" did not reach the distribution store cdn in 3 tries, and this server publishes nothing that is not there: the store is away',
      )
      return true
    })
    assert.equal(tries, 3)
    assert.equal(await findUpdate(distributed.database, 'default', update.updateId), undefined)
    assert.deepEqual(await distributed.database.query('select * from distribution'), [])
  })

  test('succeeds where a store fails at first', async () => {
    await using distributed = await startDistributed()
    const { cdn } = distributed
    const { operation } = await beginImport(distributed)
    let calls = 0
    const store = broken(cdn, {
      async put(copy, bytes) {
        calls += 1
        if (calls <= 2) await away()
        await cdn.put(copy, bytes)
      },
    })
    await distributed.run(operation, requiring(store))
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('copies nothing twice after it was interrupted', async () => {
    await using distributed = await startDistributed()
    const { cdn, database } = distributed
    const { operation } = await beginImport(distributed)
    const parking = new AbortController()
    const puts: string[] = []
    const store = broken(cdn, {
      async put(copy, bytes) {
        await cdn.put(copy, bytes)
        puts.push(copy.path)
        if (puts.length === 2) parking.abort(new Parked())
      },
    })
    await assert.rejects(distributed.run(operation, { ...requiring(store), signal: parking.signal }), Parked)
    await database.query('update operations set due_at = 0')
    await distributed.run(await distributed.claim(), requiring(store))
    assert.deepEqual(puts.length, new Set(puts).size)
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('that lost its identity while it was copied fails as it would have before', async () => {
    await using distributed = await startDistributed()
    const { cdn } = distributed
    const { update, operation } = await beginImport(distributed)
    let isFirst = true
    const store = broken(cdn, {
      async put(copy, bytes) {
        if (isFirst) {
          isFirst = false
          await distributed.import({ ...update.updateId, files: [{ name: 'other.bin', bytes: Buffer.from('other') }] })
        }
        await cdn.put(copy, bytes)
      },
    })
    await assert.rejects(distributed.run(operation, requiring(store)), { code: 'UpdateAlreadyExists' })
  })

  test('and only brings back what the server has lost leaves the store alone', async () => {
    await using distributed = await startDistributed()
    const { cdn, blobs } = distributed
    const { update, operation } = await beginImport(distributed)
    await distributed.run(operation, requiring(cdn))
    for await (const { name } of blobs.list()) await blobs.delete(name)
    const store = broken(cdn, { put: away })
    await distributed.run(await distributed.begin([update]), requiring(store))
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 3)
  })
})
