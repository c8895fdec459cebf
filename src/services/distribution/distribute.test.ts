import assert from 'node:assert/strict'
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { createMarkerScanner } from '../../../tests/support/marker-scanner.ts'
import { publishUpdate, sha256Of } from '../../../tests/support/publish-update.ts'
import { broken, CDN, type Distributed, startDistributed } from '../../../tests/support/start-distributed.ts'
import { hexOfBase64 } from '../../domain/blob.ts'
import { recordVerdict } from '../../store/blobs/verdicts.ts'
import { runDeletion } from '../deleting/run-deletion.ts'

interface Noted {
  state: string
  tries: number
  reason: string | null
}

async function noted({ database }: Distributed): Promise<Noted[]> {
  const rows = await database.query('select state, tries, reason from distribution order by content_id')
  return rows.map((row) => ({ ...row })) as unknown as Noted[]
}

async function statesOf(distributed: Distributed): Promise<string[]> {
  return (await noted(distributed)).map(({ state }) => state)
}

/** Deletes an update as an operation does. */
async function deleteUpdate(distributed: Distributed, updateId: { provider: string; name: string; version: string }) {
  await distributed.record({ kind: 'delete', updateId })
  await runDeletion(await distributed.claim(), updateId, distributed.database)
}

const away = async () => {
  throw new Error('the store is away')
}

describe('a distribution store', () => {
  test('gets a copy of every file, and loses them with their update', async () => {
    await using distributed = await startDistributed()
    const child = { provider: 'Contoso', name: 'Child', version: '1.0' }
    await distributed.bring({ ...child, isDeployable: false, files: [{ name: 'a b.bin', bytes: Buffer.from('one') }] })
    const parent = await distributed.bring({
      references: [child],
      files: ['x.bin', 'y.bin'].map((name) => ({ name, bytes: Buffer.from(name) })),
    })
    await distributed.bringTexts('of nobody else')
    assert.deepEqual(await statesOf(distributed), ['Waiting', 'Waiting', 'Waiting', 'Waiting'])
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 4)

    await deleteUpdate(distributed, parent.updateId)
    assert.deepEqual((await statesOf(distributed)).sort(), ['Dropping', 'Dropping', 'Dropping', 'Present'])
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 1)
  })

  test('keeps the copies of a child that another parent has', async () => {
    await using distributed = await startDistributed()
    const child = { provider: 'Contoso', name: 'Child', version: '1.0' }
    await distributed.bring({ ...child, isDeployable: false })
    const [parent] = [
      await distributed.bring({ references: [child] }),
      await distributed.bring({ references: [child] }),
    ]
    await distributed.distribute()
    await deleteUpdate(distributed, parent.updateId)
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 2)
  })

  test('loses what is found infected, and has it again when that was a mistake', async () => {
    await using distributed = await startDistributed()
    const { database } = distributed
    const scanner = createMarkerScanner()
    const update = publishUpdate(distributed.source, { files: [{ name: 'a.bin', bytes: Buffer.from('suspicious') }] })
    await distributed.run(await distributed.begin([update]), {
      scan: { mode: 'required', scanner },
      distribution: { stores: [CDN], required: [] },
    })
    await distributed.distribute()
    assert.equal((await distributed.paths()).length, 1)
    const { sha256 = '' } = (await database.query('select sha256 from files'))[0] as { sha256?: string }
    const infected = { kind: 'Infected', name: 'Suspicious', signatures: 'Marker 2' } as const
    const clean = { kind: 'Clean', signatures: 'Marker 3', caveats: [] } as const
    const scannedAt = async () =>
      Number((await database.query('select scanned_at from blobs where sha256 = $1', [sha256]))[0]?.scanned_at)

    await recordVerdict(database, sha256, infected)
    assert.deepEqual(await statesOf(distributed), ['Dropping'])
    await recordVerdict(database, sha256, clean, { scannedBefore: await scannedAt() })
    assert.deepEqual(await statesOf(distributed), ['Waiting'], 'nothing was deleted yet')
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])

    await recordVerdict(database, sha256, infected)
    await distributed.distribute()
    assert.deepEqual(await distributed.paths(), [])
    assert.deepEqual(await distributed.flaws(), [])
    await recordVerdict(database, sha256, clean, { scannedBefore: await scannedAt() })
    await distributed.check()
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 1)
  })

  test('gets no copy of what is found infected while the copy is on its way', async () => {
    await using distributed = await startDistributed()
    const { database, cdn } = distributed
    await distributed.bringTexts('bad')
    const [row] = await database.query('select sha256 from files')
    await distributed.distribute({
      store: broken(cdn, {
        async put(copy, bytes) {
          await recordVerdict(database, String(row?.sha256), { kind: 'Infected', name: 'X', signatures: 'Marker 2' })
          // Another node sees to that at once.
          await distributed.distribute()
          await cdn.put(copy, bytes)
        },
      }),
    })
    assert.deepEqual(await distributed.paths(), [])
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('that is away gets everything when it is back, and says meanwhile why not', async () => {
    await using distributed = await startDistributed()
    await distributed.bringTexts(...Array.from({ length: 20 }, (_, index) => `file ${index}`))
    const warnings: object[] = []
    const log = { info() {}, warn: (facts: object) => warnings.push(facts) }
    let calls = 0
    const store = broken(distributed.cdn, {
      async size() {
        calls += 1
        return await away()
      },
    })
    await distributed.distribute({ store, log })
    assert.ok(calls < 20, 'it is not asked for each file')
    assert.equal(warnings.length, 1, 'nor complained about for each')
    const failed = (await noted(distributed)).filter(({ tries }) => tries > 0)
    assert.equal(failed.length, calls)
    for (const { state, reason } of failed) {
      assert.deepEqual([state, reason], ['Waiting', 'It cannot be written: the store is away'])
    }
    await distributed.makeDue()
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('is tried again after pauses that grow, up to the longest', async () => {
    await using distributed = await startDistributed()
    await distributed.bringTexts('one')
    const pauses = { firstMs: 1000, longestMs: 5000, awayMs: 0 }
    const due: number[] = []
    for (let tries = 0; tries < 5; tries += 1) {
      await distributed.makeDue()
      await distributed.distribute({ store: broken(distributed.cdn, { put: away }), pauses })
      const [row] = await distributed.database.query(
        'select due_at - (select now_ms from clock) as ms from distribution',
      )
      due.push(Number(row?.ms))
    }
    for (const [index, longest] of [1500, 3000, 6000, 7500, 7500].entries()) {
      assert.ok(due[index]! <= longest && due[index]! > longest / 3 - 500, `pause ${index}: ${due[index]}`)
    }
  })

  test('that does not take one file gets all others', async () => {
    await using distributed = await startDistributed()
    const { cdn } = distributed
    await distributed.bringTexts(...Array.from({ length: 30 }, (_, index) => `file ${index}`))
    const [refused] = await distributed.database.query('select content_id from distribution limit 1')
    await distributed.distribute({
      store: broken(cdn, {
        put: (copy, bytes) => (copy.path.startsWith(String(refused?.content_id)) ? away() : cdn.put(copy, bytes)),
      }),
      pauses: { firstMs: 60_000, longestMs: 60_000, awayMs: 0 },
    })
    const states = await statesOf(distributed)
    assert.equal(states.filter((state) => state === 'Present').length, 29)
  })

  test('never gets bytes that are missing or damaged, and others are copied meanwhile', async () => {
    await using distributed = await startDistributed()
    await distributed.bringTexts('lost', 'damaged', 'short', 'good')
    const { folder } = distributed
    const pathOf = async (text: string) => {
      const sha256 = hexOfBase64(sha256Of(Buffer.from(text)))
      const [row] = await distributed.database.query('select name from blobs where sha256 = $1', [sha256])
      return join(folder, 'v1', sha256.slice(0, 2), String(row?.name))
    }
    await rm(await pathOf('lost'))
    await writeFile(await pathOf('damaged'), 'DAMAGED')
    await truncate(await pathOf('short'), 3)
    await distributed.distribute({ pauses: { firstMs: 60_000, longestMs: 60_000, awayMs: 0 } })
    const rows = await noted(distributed)
    assert.deepEqual(rows.map(({ state }) => state).sort(), ['Present', 'Waiting', 'Waiting', 'Waiting'])
    const reasons = rows.flatMap(({ reason }) => reason ?? []).sort()
    assert.equal(reasons.length, 3)
    assert.match(reasons[0]!, /^It cannot be read: The bytes of blob \w+\.\w+ are not those that were imported/)
    assert.match(reasons[1]!, /^It cannot be read: The bytes of blob \w+\.\w+ are not those that were imported/)
    assert.match(
      reasons[2]!,
      /^It cannot be read: The bytes with the SHA-256 .* are not in the store. Import the update again/,
    )
    assert.equal((await distributed.paths()).length, 1)
  })

  test('is as it should be when two nodes look after it at the same time', async () => {
    await using distributed = await startDistributed()
    await distributed.bringTexts(...Array.from({ length: 12 }, (_, index) => `file ${index}`))
    await Promise.all([distributed.distribute(), distributed.distribute(), distributed.check(), distributed.check()])
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('gets nothing twice where the process died between the copy and the note of it', async () => {
    await using distributed = await startDistributed()
    const { cdn } = distributed
    await distributed.bringTexts('one')
    const database = {
      ...distributed.database,
      query: (sql: string, params?: readonly []) =>
        sql.includes(`state = 'Present'`) ? away() : distributed.database.query(sql, params),
    }
    await assert.rejects(distributed.distribute({ database }), /the store is away/)
    assert.deepEqual([(await distributed.paths()).length, await statesOf(distributed)], [1, ['Waiting']])
    const ended: object[] = []
    await distributed.distribute({
      store: broken(cdn, { put: away }),
      metrics: { copyEnded: (end) => ended.push(end) },
    })
    assert.deepEqual(await distributed.flaws(), [])
    assert.deepEqual(ended, [{ store: CDN, outcome: 'copied', bytes: 0 }])
  })

  test('counts what was copied to it, and what failed', async () => {
    await using distributed = await startDistributed()
    await distributed.bringTexts('one', 'three')
    const ended: object[] = []
    const metrics = { copyEnded: (end: object) => ended.push(end) }
    await distributed.distribute({ store: broken(distributed.cdn, { put: away }), metrics })
    const failed = { store: CDN, outcome: 'failed', bytes: 0 }
    assert.ok(ended.length >= 2)
    assert.deepEqual(ended.pop(), failed)
    ended.length = 0
    await distributed.makeDue()
    await distributed.distribute({ metrics })
    const copied = [3, 5].map((bytes) => ({ ...failed, outcome: 'copied', bytes }))
    assert.deepEqual(new Set(ended), new Set(copied))
  })

  test('is left at once when the server stops in the middle of a copy', async () => {
    await using distributed = await startDistributed()
    const stop = new AbortController()
    await distributed.bring({ files: [{ name: 'large.bin', bytes: Buffer.alloc(1024 * 1024, 'x') }] })
    const { blobs } = distributed
    await distributed.distribute(
      {
        blobs: {
          ...blobs,
          async open(name) {
            const chunks = await blobs.open(name)
            return (async function* () {
              for await (const chunk of chunks) {
                yield chunk
                stop.abort()
              }
            })()
          },
        },
      },
      stop.signal,
    )
    assert.deepEqual(await noted(distributed), [{ state: 'Waiting', tries: 0, reason: null }])
    assert.deepEqual(await distributed.paths(), [])
    await distributed.distribute()
    assert.deepEqual(await distributed.flaws(), [])
  })

  test('replaces what is there under the name of a copy, but has another size', async () => {
    await using distributed = await startDistributed()
    await distributed.bringTexts('right')
    const [row] = await distributed.database.query('select content_id from distribution')
    const path = join(distributed.cdnFolder, String(row?.content_id), 'a.bin')
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, 'too much')
    await distributed.distribute()
    assert.equal(await readFile(path, 'utf8'), 'right')
  })

  test('gets what is imported while a large file is on its way', async () => {
    await using distributed = await startDistributed()
    const { cdn } = distributed
    await distributed.bringTexts('large')
    let arrived = () => {}
    const other = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let isFirst = true
    await distributed.distribute({
      store: broken(cdn, {
        async put(copy, bytes) {
          if (isFirst) {
            isFirst = false
            await distributed.bringTexts('small')
            await other
          } else arrived()
          await cdn.put(copy, bytes)
        },
      }),
    })
    assert.deepEqual(await distributed.flaws(), [])
    assert.equal((await distributed.paths()).length, 2)
  })
})
