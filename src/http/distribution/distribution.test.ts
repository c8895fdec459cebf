import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { mistakesIn } from '../../../tests/support/check-document.ts'
import { seedUpdates, simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import type { Distribution as DistributionDocument, UpdateWithContent } from '../../client/api-types.ts'
import { recordVerdict } from '../../store/blobs/verdicts.ts'
import { noteCopied, noteCopyFailure } from '../../store/distribution/distribution.ts'
import { noteCheck, wantPart } from '../../store/distribution/distribution-checks.ts'
import { UpdateWithContent as UpdateWithContentSchema } from '../updates/update-schemas.ts'
import { Distribution } from './distribution-schemas.ts'

const STORES = [
  { name: 'inner', isRequired: true, template: undefined },
  { name: 'cdn', isRequired: false, template: 'https://cdn.example.com/updates/{path}?v=$&' },
  { name: 'late', isRequired: false, template: 'https://late.example.com/{path}' },
]
const EVERYTHING = { after: '', limit: 100 }
const UPDATE = '/updates/providers/Contoso/names/Toaster/versions/1.0'

describe('the API of a server with distribution stores', () => {
  let app: AppInMemory
  let contentId: string

  before(async () => {
    app = await startAppInMemory({ instances: ['default', 'other'], distribution: STORES })
    const [file] = simpleManifest().files
    const manifest = { ...simpleManifest(), files: [{ ...file!, fileName: 'a b.bin' }] }
    await seedUpdates(app.database, [{ manifest }])
    await seedUpdates(app.database, [{ manifest }], { instance: 'other' })
    const [row] = await app.database.query(`select content_id from files where instance = 'default'`)
    contentId = String(row?.content_id)
  })
  after(() => app?.[Symbol.asyncDispose]())

  async function fileNow() {
    const { json } = await app.ask(`/aduana/v1/default${UPDATE}`)
    const update = json<UpdateWithContent>()
    assert.deepEqual(mistakesIn(update, UpdateWithContentSchema), [])
    return update.files[0]!
  }

  async function storesNow(instance = 'default') {
    const { json } = await app.ask(`/aduana/v1/${instance}/distribution`)
    const document = json<DistributionDocument>()
    assert.deepEqual(mistakesIn(document, Distribution), [])
    return document.stores
  }

  test('gives the address at the server until a store has a copy, and tells nothing of stores that were not told', async () => {
    const { contentUrl, distribution } = await fileNow()
    assert.equal(contentUrl, `${app.url}/content/${contentId}/a%20b.bin`)
    assert.deepEqual(distribution, [])
    const nothing = { waiting: 0, present: 0, dropping: 0 }
    assert.deepEqual(await storesNow(), [
      { store: 'inner', isRequired: true, ...nothing },
      { store: 'cdn', isRequired: false, ...nothing },
      { store: 'late', isRequired: false, ...nothing },
    ])
  })

  test('tells of each store how far it is, since when and why', async () => {
    const { database } = app
    for (const { name } of STORES.slice(0, 2)) await wantPart(database, name, EVERYTHING)
    await wantPart(database, 'no-longer-configured', EVERYTHING)
    await noteCopied(database, { store: 'inner', contentId })
    const reason = 'It cannot be written: no room.'
    await noteCopyFailure(database, { store: 'cdn', contentId, reason, pauseMs: 60_000 })
    await noteCheck(database, 'cdn', { listed: 7, missing: 0, deleted: 0 })

    const { contentUrl, distribution = [] } = await fileNow()
    assert.equal(contentUrl, `${app.url}/content/${contentId}/a%20b.bin`, 'inner has no address')
    const url = `https://cdn.example.com/updates/${contentId}/a%20b.bin?v=$&`
    assert.deepEqual(
      distribution.map(({ since, ...copy }) => copy),
      [
        { store: 'inner', state: 'Present' },
        { store: 'cdn', state: 'Waiting', url, reason },
      ],
    )
    for (const { since } of distribution) assert.ok(Math.abs(Date.parse(since) - Date.now()) < 60_000)

    const [inner, cdn, late] = await storesNow()
    assert.deepEqual(inner, { store: 'inner', isRequired: true, waiting: 0, present: 1, dropping: 0 })
    assert.deepEqual([cdn?.waiting, cdn?.present, cdn?.oldestWaiting?.reason], [1, 0, reason])
    assert.equal(cdn?.oldestWaiting?.since, distribution[1]?.since)
    assert.ok(Math.abs(Date.parse(cdn?.lastCheckDateTime ?? '') - Date.now()) < 60_000)
    assert.deepEqual([late?.waiting, late?.lastCheckDateTime], [0, undefined])
  })

  test('tells nothing of the files of other instances', async () => {
    const [inner, cdn] = await storesNow('other')
    assert.deepEqual([inner?.waiting, inner?.present, cdn?.waiting, cdn?.oldestWaiting?.reason], [1, 0, 1, undefined])
  })

  test('gives the address at a store that has a copy, and that of the server again once it has not', async () => {
    const { database } = app
    await noteCopied(database, { store: 'cdn', contentId })
    assert.equal((await fileNow()).contentUrl, `https://cdn.example.com/updates/${contentId}/a%20b.bin?v=$&`)
    const [row] = await database.query('select sha256 from files where content_id = $1', [contentId])
    await recordVerdict(database, String(row?.sha256), { kind: 'Infected', name: 'EICAR', signatures: 'ClamAV 1' })
    const { contentUrl, distribution = [] } = await fileNow()
    assert.equal(contentUrl, `${app.url}/content/${contentId}/a%20b.bin`)
    assert.deepEqual(
      distribution.map(({ state }) => state),
      ['Dropping', 'Dropping'],
    )
  })
})

test('a server without distribution stores says so, and nothing of them in its updates', async () => {
  await using app = await startAppInMemory()
  await seedUpdates(app.database, [{ manifest: simpleManifest() }])
  assert.deepEqual((await app.ask('/aduana/v1/default/distribution')).json(), { stores: [] })
  const update = (await app.ask(`/aduana/v1/default${UPDATE}`)).json<UpdateWithContent>()
  assert.ok(!('distribution' in update.files[0]!))
})
