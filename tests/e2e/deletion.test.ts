import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ImportUpdateInput, Operation } from '../../src/client/api-types.ts'
import type { UpdateId } from '../../src/domain/update-id.ts'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { eventually, importAndWait, operationEnd } from '../support/operation-end.ts'
import { publishUpdate, requestsFor, sha256Of, type UpdateRecipe } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { storedDigests } from '../support/stored-blobs.ts'

let source: MisbehavingSource
let aduana: Aduana
let client: ApiClient

before(async () => {
  source = await startSource()
  aduana = await startAduana({ flags: ['--allow-source', '127.0.0.0/8', '--sweep-after', '1s'] })
  client = await aduana.client()
})
after(async () => {
  await aduana?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

test('deleting an update that is not there is answered with 404, in whatever spelling', async () => {
  await assert.rejects(client.deleteUpdate({ provider: 'No', name: 'Such', version: '1.0' }), { status: 404 })
  const { updateId } = await imported({})
  await assert.rejects(client.deleteUpdate({ ...updateId, version: '1.0.0' }), { status: 404 })
  await removed({ ...updateId, provider: updateId.provider.toUpperCase(), version: '01.0' })
  await assert.rejects(client.deleteUpdate(updateId), { status: 404 })
})

test('of several deletions of the same update at once, one succeeds and the others find it gone', async () => {
  const { updateId } = await imported({})
  const accepted = await Promise.all([1, 2, 3].map(() => client.deleteUpdate(updateId).catch(() => undefined)))
  const ends = await Promise.all(accepted.flatMap((deletion) => (deletion ? [ended(deletion)] : [])))
  assert.equal(ends.filter(({ status }) => status === 'Succeeded').length, 1)
  for (const { error } of ends) assert.ok(error === undefined || error.code === 'UpdateNotFound', error?.message)
})

test('a parent takes the children that nothing else references with it, and leaves the others', async () => {
  const orphan = { provider: 'Family', name: 'Orphan', version: '1.0' }
  const shared = { provider: 'Family', name: 'Shared', version: '1.0' }
  const parent = { provider: 'Family', name: 'Parent', version: '1.0' }
  const other = { provider: 'Family', name: 'Other', version: '1.0' }
  const family = [
    published({ ...orphan, isDeployable: false }),
    published({ ...shared, isDeployable: false }),
    published({ ...parent, references: [orphan, shared] }),
  ]
  await succeed(family)
  await succeed([published({ ...other, references: [shared] })])
  const byBoth = await client.getUpdate(shared)
  assert.deepEqual(byBoth.referencedBy, [other, parent])

  await removed(parent)
  await assert.rejects(client.getUpdate(parent), { status: 404 })
  await assert.rejects(client.getUpdate(orphan), { status: 404 })
  const byOne = await client.getUpdate(shared)
  assert.deepEqual(byOne.referencedBy, [other])
  assert.notEqual(byOne.etag, byBoth.etag, 'what Get Update answers has changed')

  // What was deleted may come again, also while a child of it is still there.
  await succeed([published({ ...orphan, isDeployable: false }), published({ ...parent, references: [orphan, shared] })])
  const again = await client.getUpdate(shared)
  assert.deepEqual(again.referencedBy, [other, parent])
  assert.notEqual(again.etag, byOne.etag)

  await removed(other)
  await removed(parent)
  assert.ok(!(await Array.fromAsync(client.listProviders())).includes('Family'))
})

test('a child in use is not deleted, and the error names all its parents', async () => {
  const child = { provider: 'InUse', name: 'Child', version: '1.0' }
  const parents = ['First', 'Second'].map((name) => ({ provider: 'InUse', name, version: '1.0' }))
  await succeed([
    published({ ...child, isDeployable: false }),
    ...parents.map((parent) => published({ ...parent, references: [child] })),
  ])

  const { status, error } = await ended(await client.deleteUpdate(child))
  assert.equal(status, 'Failed')
  assert.equal(error?.code, 'UpdateInUse')
  assert.match(error?.message ?? '', /InUse\/Child\/1\.0 is referenced by InUse\/First\/1\.0, InUse\/Second\/1\.0/)
  assert.deepEqual(
    error?.details?.map(({ target }) => target),
    ['InUse/First/1.0', 'InUse/Second/1.0'],
  )
  assert.equal((await client.getUpdate(child)).referencedBy?.length, 2)
})

test('the content of a deleted update is gone at once, its blobs after the grace period; shared ones stay', async () => {
  const shared = Buffer.from('in two updates')
  const alone = Buffer.from('in one update')
  const kept = await imported({ files: [{ name: 'shared.bin', bytes: shared }] })
  const gone = await imported({
    files: [
      { name: 'shared.bin', bytes: shared },
      { name: 'alone.bin', bytes: alone },
    ],
  })
  const urls = async (updateId: UpdateId) => {
    return (await client.getUpdateWithContent(updateId)).files.map(({ contentUrl }) => contentUrl)
  }
  const [keptUrl = ''] = await urls(kept.updateId)
  const goneUrls = await urls(gone.updateId)
  assert.equal(goneUrls.length, 2)
  for (const url of goneUrls) assert.equal((await fetch(url)).status, 200)

  await removed(gone.updateId)
  for (const url of goneUrls) assert.equal((await fetch(url)).status, 404)
  await eventually('the blob is swept', async () => !(await storedDigests(aduana)).has(sha256Of(alone)))
  assert.equal(await (await fetch(keptUrl)).text(), shared.toString())

  // Swept bytes are fetched again, those that are still there are not.
  const again = published({
    files: [
      { name: 'shared.bin', bytes: shared },
      { name: 'alone.bin', bytes: alone },
    ],
  })
  await succeed([again])
  assert.equal(requestsFor(source, again.paths.get('shared.bin')), 0)
  assert.equal(requestsFor(source, again.paths.get('alone.bin')), 1)
  for (const url of await urls(again.updateId)) assert.equal((await fetch(url)).status, 200)
})

test('when all updates are deleted, the store is empty', async () => {
  const updates = await Array.fromAsync(client.listUpdates())
  // A child goes with its parents, and not before.
  for (const { updateId } of updates.filter(({ isDeployable }) => isDeployable)) await removed(updateId)
  assert.deepEqual(await Array.fromAsync(client.listUpdates()), [])
  await eventually('the store is empty', async () => (await storedDigests(aduana)).size === 0)
})

function published(recipe: UpdateRecipe) {
  return publishUpdate(source, recipe)
}

async function imported(recipe: UpdateRecipe) {
  const update = published(recipe)
  await succeed([update])
  return update
}

async function succeed(updates: { input: ImportUpdateInput }[]): Promise<void> {
  const inputs = updates.map(({ input }) => input)
  const { status, error } = await importAndWait(client, inputs)
  assert.equal(status, 'Succeeded', JSON.stringify(error))
}

async function removed(updateId: UpdateId): Promise<void> {
  const { status, error } = await ended(await client.deleteUpdate(updateId))
  assert.equal(status, 'Succeeded', JSON.stringify(error))
}

function ended({ operationId }: { operationId: string }): Promise<Operation> {
  return operationEnd(client, operationId)
}
