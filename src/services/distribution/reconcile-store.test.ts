import assert from 'node:assert/strict'
import { mkdir, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { seedUpdates, simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import { broken, CDN, type Distributed, startDistributed } from '../../../tests/support/start-distributed.ts'
import { newContentId } from '../../domain/distribution.ts'
import type { StoredCopy } from '../../ports/distribution-store.ts'
import { findCheck } from '../../store/distribution/distribution-checks.ts'

const DAY_MS = 24 * 3600 * 1000

async function makeOld({ cdnFolder }: Distributed, path: string): Promise<void> {
  const then = new Date(Date.now() - DAY_MS - 60_000)
  await utimes(join(cdnFolder, path), then, then)
}

async function placeForgotten(distributed: Distributed, { isOld }: { isOld: boolean }): Promise<string> {
  const path = `${newContentId()}/forgotten.bin`
  await mkdir(join(distributed.cdnFolder, dirname(path)), { recursive: true })
  await writeFile(join(distributed.cdnFolder, path), 'forgotten')
  if (isOld) await makeOld(distributed, path)
  return path
}

/** Brings some updates, and their copies. */
async function distributedTexts(...texts: string[]): Promise<Distributed> {
  const distributed = await startDistributed()
  await distributed.bringTexts(...texts)
  await distributed.distribute()
  assert.deepEqual(await distributed.flaws(), [])
  return distributed
}

const NOTHING = { missing: 0, deleted: 0 }

describe('a check of a distribution store', () => {
  test('finds nothing to do where all is well', async () => {
    await using distributed = await distributedTexts('one', 'two')
    assert.deepEqual(await distributed.check(), { listed: 2, ...NOTHING })
    assert.deepEqual(await distributed.flaws(), [])
    assert.ok((await findCheck(distributed.database, CDN))!.ageMs < 10_000)
  })

  for (const [how, wipe] of [
    ['emptied', async (folder: string) => rename(folder, `${folder}-away`).then(() => mkdir(folder))],
    ['deleted', async (folder: string) => rm(folder, { recursive: true })],
  ] as const) {
    test(`has a store copied again that was ${how}`, async () => {
      await using distributed = await distributedTexts(...Array.from({ length: 25 }, (_, index) => `file ${index}`))
      await wipe(distributed.cdnFolder)
      assert.deepEqual(await distributed.check(), { listed: 0, missing: 25, deleted: 0 })
      await distributed.distribute()
      assert.deepEqual(await distributed.flaws(), [])
    })
  }

  test('has single copies copied again that are gone, or of another size', async () => {
    await using distributed = await distributedTexts('one', 'two', 'three', 'four')
    const [first, second] = await distributed.paths()
    await rm(join(distributed.cdnFolder, first!))
    await truncate(join(distributed.cdnFolder, second!), 2)
    assert.deepEqual(await distributed.check(), { listed: 3, missing: 2, deleted: 0 })
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('fills a store that was configured after updates were imported, in every instance', async () => {
    await using distributed = await startDistributed()
    await distributed.import()
    await distributed.import({}, 'other')
    assert.deepEqual(await distributed.check(), { listed: 0, ...NOTHING })
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 2)
  })

  test('takes for there what is there, where the database has forgotten', async () => {
    await using distributed = await distributedTexts('one', 'two')
    await distributed.database.query('delete from distribution')
    await distributed.check()
    const copied: string[] = []
    const { cdn } = distributed
    await distributed.distribute({
      store: broken(cdn, {
        async put(copy, bytes) {
          copied.push(copy.path)
          await cdn.put(copy, bytes)
        },
      }),
    })
    assert.deepEqual([copied, await distributed.flaws()], [[], []])
  })

  test('has deleted what no update names any more, where the database has missed it', async () => {
    await using distributed = await distributedTexts('one', 'two')
    await distributed.database.query(
      'update distribution set content_id = $1 where content_id = (select min(content_id) from distribution)',
      [newContentId()],
    )
    await distributed.database.query(
      `update files set scan_result = 'Infected' where content_id = (select max(content_id) from files)`,
    )
    await distributed.check()
    await distributed.distribute()
    const rows = await distributed.database.query(
      'select 1 as is_wrong from distribution d left join files f on f.content_id = d.content_id where f.content_id is null',
    )
    assert.deepEqual(rows, [])
  })

  test('deletes what nobody knows only when it is older than a day, and nothing of others', async () => {
    await using distributed = await distributedTexts('one')
    const young = await placeForgotten(distributed, { isOld: false })
    const old = await placeForgotten(distributed, { isOld: true })
    const others = ['index.html', 'img/logo.svg']
    for (const path of others) {
      await mkdir(join(distributed.cdnFolder, dirname(path)), { recursive: true })
      await writeFile(join(distributed.cdnFolder, path), 'of others')
      await makeOld(distributed, path)
    }
    const [known] = (await distributed.paths()).filter((path) => path.endsWith('a.bin'))
    await makeOld(distributed, known!)
    assert.deepEqual(await distributed.check(), { listed: 3, missing: 0, deleted: 1 })
    assert.deepEqual((await distributed.paths()).sort(), [known!, young, ...others].sort())
    await assert.rejects(stat(join(distributed.cdnFolder, dirname(old))), { code: 'ENOENT' })
  })

  test('that finds something it cannot delete looks at everything else before it fails', async () => {
    await using distributed = await distributedTexts('one', 'two')
    const { cdn } = distributed
    for (const path of await distributed.paths()) await cdn.delete(path)
    await placeForgotten(distributed, { isOld: true })
    const store = broken(cdn, {
      async delete() {
        throw new Error('not allowed')
      },
    })
    await assert.rejects(distributed.check(store), /not allowed/)
    const states = await distributed.database.query('select state from distribution')
    assert.deepEqual(
      states.map(({ state }) => state),
      ['Waiting', 'Waiting'],
    )
  })

  test('deletes a file beside a copy that is not the copy', async () => {
    await using distributed = await distributedTexts('one')
    const [path = ''] = await distributed.paths()
    for (const name of ['a.bin.bak', '0']) {
      const beside = join(dirname(path), name)
      await writeFile(join(distributed.cdnFolder, beside), 'backup')
      await makeOld(distributed, beside)
    }
    assert.deepEqual(await distributed.check(), { listed: 3, missing: 0, deleted: 2 })
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('does not delete what an import publishes at this very moment', async () => {
    await using distributed = await distributedTexts('one')
    const path = await placeForgotten(distributed, { isOld: true })
    const { cdn, database } = distributed
    const store = broken(cdn, {
      async *list() {
        // The rows were read by now.
        await database.query('update distribution set content_id = $1, file_name = $2', path.split('/'))
        yield* cdn.list()
      },
    })
    assert.equal((await distributed.check(store)).deleted, 0)
    assert.ok((await distributed.paths()).includes(path))
  })

  test('changes nothing where the store cannot be listed', async () => {
    await using distributed = await distributedTexts('one', 'two')
    await placeForgotten(distributed, { isOld: true })
    const before = await distributed.database.query('select * from distribution order by content_id')
    const list = async function* (): AsyncGenerator<StoredCopy> {
      yield* []
      throw new Error('away')
    }
    await assert.rejects(distributed.check(broken(distributed.cdn, { list })), /away/)
    assert.deepEqual(await distributed.database.query('select * from distribution order by content_id'), before)
    assert.equal((await distributed.paths()).length, 3)
    assert.equal(await findCheck(distributed.database, CDN), undefined)
  })

  test('leaves alone what was found missing and copied while it went on', async () => {
    await using distributed = await distributedTexts('one')
    await rm(distributed.cdnFolder, { recursive: true })
    const store = broken(distributed.cdn, {
      async *list() {
        const listed = await Array.fromAsync(distributed.cdn.list())
        // Another node does the same, and is quicker.
        await distributed.check()
        await distributed.distribute()
        yield* listed
      },
    })
    await distributed.check(store)
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('ends at once when the server stops', async () => {
    await using distributed = await distributedTexts('one', 'two')
    const stop = new AbortController()
    const { cdn } = distributed
    const store = broken(cdn, {
      async *list() {
        for await (const copy of cdn.list()) {
          yield copy
          stop.abort()
        }
      },
    })
    await assert.rejects(distributed.check(store, stop.signal), { name: 'AbortError' })
  })

  test('walks through more than one part of the rows', async () => {
    await using distributed = await startDistributed()
    const { database, cdn } = distributed
    const versions = Array.from({ length: 1100 }, (_, index) => ({
      manifest: simpleManifest({ version: `1.${index}` }),
    }))
    await seedUpdates(database, versions)
    await distributed.check()
    await database.query(`update distribution set state = 'Present', changed_at = 0, due_at = null`)
    const rows = await database.query(
      'select content_id, file_name, size_in_bytes from distribution order by content_id',
    )
    assert.equal(rows.length, 1100)
    const store = broken(cdn, {
      async *list() {
        for (const [index, row] of rows.entries()) {
          if (index % 10 === 0) continue
          const path = `${row.content_id}/${row.file_name}`
          yield { path, sizeInBytes: Number(row.size_in_bytes), storedAt: 0 }
        }
      },
    })
    assert.deepEqual(await distributed.check(store), { listed: 990, missing: 110, deleted: 0 })
    assert.deepEqual(await distributed.check(), { listed: 0, missing: 990, deleted: 0 })
    const waiting = await database.query(`select count(*) as count from distribution where state = 'Waiting'`)
    assert.deepEqual(Number(waiting[0]?.count), 1100)
  })
})
