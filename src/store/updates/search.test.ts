import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { seedUpdates, simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import { createInstances } from '../instances.ts'
import { searchTerms, searchWords } from './search-terms.ts'
import { listUpdates } from './updates.ts'

test('a search of many common words that matches nothing is answered in a moment', async () => {
  const database = await openDatabase()
  await createInstances(database, ['default'])
  const seeds = Array.from({ length: 4000 }, (_, i) => ({ manifest: simpleManifest({ version: `1.${i}` }) }))
  await seedUpdates(database, seeds)
  const startedAt = performance.now()
  const { items } = await listUpdates(database, {
    instance: 'default',
    search: 'c con toa toaster contoso t 1 zzz',
    limit: 100,
  })
  assert.deepEqual(items, [])
  // Looking through the words again for each update took seconds.
  assert.ok(performance.now() - startedAt < 500)
  await database.close()
})

test('a word that begins another one asks for nothing more', () => {
  assert.deepEqual(searchWords('to toaster TOAST con'), ['toaster', 'con'])
})

test('long words are cut between characters, so that no two become the same text', () => {
  const terms = searchTerms(`${'a'.repeat(63)}😀 ${'a'.repeat(63)}🤖`)
  assert.ok(terms.every((term) => term.isWellFormed()))
  assert.equal(new Set(terms.map((term) => Buffer.from(term).toString('hex'))).size, terms.length)
})
