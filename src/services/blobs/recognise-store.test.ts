import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { openFilesystemBlobs } from '../../adapters/filesystem/blobs-filesystem.ts'
import { moveStore } from '../backup/move-store.ts'
import { withReadStores } from './read-stores.ts'
import { isStoreOf, recogniseStore } from './recognise-store.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-mark-'))
})
after(() => rm(folder, { recursive: true }))

test('a store is marked once, by whoever is first, and another one is refused', async () => {
  const database = await openDatabase()
  const blobs = await openFilesystemBlobs({ folder: join(folder, 'own') })
  const other = await openFilesystemBlobs({ folder: join(folder, 'other') })
  await recogniseStore({ database, blobs }, { title: 'own', mayMark: false })
  assert.equal((await Array.fromAsync(blobs.list())).length, 0, 'a store of a single server needs none')
  await Promise.all([1, 2, 3].map(() => recogniseStore({ database, blobs }, { title: 'own', mayMark: true })))
  assert.equal((await Array.fromAsync(blobs.list())).length, 1)
  await recogniseStore({ database, blobs }, { title: 'own', mayMark: true })
  await assert.rejects(
    recogniseStore({ database, blobs: other }, { title: 'other', mayMark: true }),
    /The store other is not/,
  )
  assert.equal((await Array.fromAsync(other.list())).length, 0)
  await database.close()
})

test('a new store before the old one is taken for that of the database when everything was moved, not sooner', async () => {
  const database = await openDatabase()
  const from = await openFilesystemBlobs({ folder: join(folder, 'from') })
  const to = await openFilesystemBlobs({ folder: join(folder, 'to') })
  await recogniseStore({ database, blobs: from }, { title: 'from', mayMark: true })
  await recogniseStore({ database, blobs: withReadStores(to, [from]) }, { title: 'to', mayMark: true })
  assert.equal(await isStoreOf(database, to), false)
  await moveStore(database, { from, to, verify: false })
  assert.equal(await isStoreOf(database, to), true)
  await recogniseStore({ database, blobs: to }, { title: 'to', mayMark: true })
  await database.close()
})
