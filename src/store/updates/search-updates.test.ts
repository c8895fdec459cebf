import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { openDatabase } from '../../../tests/support/open-database.ts'
import { seedUpdates, simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import type { Update } from '../../domain/update.ts'
import { identityKey, versionOrder } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { createInstances } from '../instances.ts'
import { SEARCH_BOUNDS, type SearchBounds } from './search-updates.ts'
import { listUpdates } from './updates.ts'

const SYLLABLES = ['a', 'ab', 'abc', 'b', 'ba', 'c', '1', '12', '2']
const VERSIONS = Array.from({ length: 40 }, (_, i) => `${1 + (i % 3)}.${i}`)

interface Entry {
  provider: string
  name: string
  version: string
  description: string
  isDeployable: boolean
}

const syllable = fc.constantFrom(...SYLLABLES)
const word = fc.array(syllable, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''))
const entry: fc.Arbitrary<Entry> = fc.record({
  provider: fc.constantFrom('Ab', 'Ba', 'C-ab', 'c12'),
  name: fc.constantFrom('abc', 'B', 'ca-1'),
  version: fc.constantFrom(...VERSIONS),
  description: fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
  isDeployable: fc.boolean(),
})
const catalogue = fc.uniqueArray(entry, {
  minLength: 20,
  maxLength: 120,
  selector: ({ provider, name, version }) => `${provider}/${name}/${version}`,
})
const question = fc.record({
  search: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' ')),
  isDeployable: fc.option(fc.boolean(), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 12 }),
  // From bounds that no trail keeps to, up to those of the product.
  bounds: fc.oneof(
    fc.record({
      termsMax: fc.constantFrom(0, 1, 3, 128),
      sortedMax: fc.constantFrom(0, 20, 4000),
      stepMax: fc.constantFrom(1, 7, 1000),
      pageMax: fc.constantFrom(1, 10, 16_000),
    }),
    fc.constant(SEARCH_BOUNDS),
  ),
})

const OTHER = { provider: 'ab', name: 'abc', version: '1.0', description: 'a b c 1 2', isDeployable: true }

test('a search finds what has all its words, in order and each once, whichever way it takes and however its pages are cut', async () => {
  await fc.assert(
    fc.asyncProperty(catalogue, fc.array(question, { minLength: 10, maxLength: 10 }), async (entries, questions) => {
      await using opened = await openCatalogue({ default: entries, other: [OTHER] })
      for (const { bounds, ...query } of questions) {
        const expected = entries.filter((each) => matches(each, query)).sort(byPlace)
        const pages = await pagesOf(opened.database, query, bounds)
        assert.deepEqual(pages.flat().map(titleOf), expected.map(identityOf))
        assert.ok(pages.every((page) => page.length <= query.limit))
        // With room to look, only the last page is short.
        if (bounds.pageMax === SEARCH_BOUNDS.pageMax) {
          assert.ok(pages.slice(0, -1).every((page) => page.length === query.limit))
          assert.ok(pages.length === 1 || pages.at(-1)?.length !== 0)
        }
      }
    }),
    { numRuns: 40 },
  )
})

/** As the reference says it, without any index. */
function matches(
  { isDeployable, ...texts }: Entry,
  query: { search: string; isDeployable: boolean | undefined },
): boolean {
  if (query.isDeployable !== undefined && query.isDeployable !== isDeployable) return false
  const whole = Object.values(texts).join(' ').toLowerCase().split(' ')
  const words = [...whole, ...whole.flatMap((text) => text.split(/[.-]/))]
  return query.search.split(' ').every((sought) => words.some((each) => each.startsWith(sought)))
}

const ALPHABET = [...'abcdefghij']

/** Alpha has the first half of the catalogue, omega the second; even ones have one word, odd ones the other. */
const COUNT = 3000

let many: Awaited<ReturnType<typeof openCatalogue>>
let statements: { sql: string; rows: number }[] = []

before(async () => {
  many = await openCatalogue({
    default: Array.from({ length: COUNT }, (_, i) => ({
      provider: i < COUNT / 2 ? 'Alpha' : 'Omega',
      name: `Model-${i % 40}`,
      version: `1.${i}`,
      description: `${i % 2 === 0 ? 'even' : 'odd'} ${ALPHABET[i % 10]}${i} ${i === 2998 ? 'platypus' : ''}`,
      isDeployable: i % 1000 === 0,
    })),
  })
  const { query } = many.database
  many.database.query = async (sql, params) => {
    const rows = await query(sql, params)
    statements.push({ sql, rows: rows.length })
    return rows
  }
})

after(() => many[Symbol.asyncDispose]())

const questions: { search: string; isDeployable?: boolean; found: number; readMax: number; why: string }[] = [
  { search: 'platypus', found: 1, readMax: 10, why: 'a rare word' },
  { search: 'platypus even omega', found: 1, readMax: 250, why: 'a rare word among common ones' },
  { search: 'omega', found: 100, readMax: 400, why: 'a word of the last half of the list' },
  { search: 'model', found: 100, readMax: 500, why: 'what begins words of all updates' },
  { search: 'o', found: 100, readMax: 400, why: 'one letter' },
  { search: 'alpha omega', found: 0, readMax: 3000, why: 'words that two halves have' },
  { search: 'even', isDeployable: true, found: 3, readMax: 500, why: 'a filter that lets few through' },
  { search: 'a1', found: 100, readMax: 500, why: 'what begins many words, each of one update' },
]

for (const { search, isDeployable, found, readMax, why } of questions) {
  test(`a search for ${why} reads little: ${search}`, async () => {
    statements = []
    const { items } = await listUpdates(many.database, { instance: 'default', search, isDeployable, limit: 100 })
    assert.equal(items.length, found)
    const read = statements.reduce((sum, { rows }) => sum + rows, 0)
    assert.ok(read <= readMax, `${read} rows`)
  })
}

test('where common words never meet, a page ends when its share was read, and others have turns meanwhile', async () => {
  const bounds = { ...SEARCH_BOUNDS, stepMax: 100, pageMax: 1000 }
  const query = { instance: 'default', search: 'even odd', limit: 10 }
  let turns = 0
  let over = false
  const count = () => {
    turns += 1
    if (!over) setImmediate(count)
  }
  setImmediate(count)
  const page = await listUpdates(many.database, query, bounds)
  over = true
  assert.deepEqual(page.items, [])
  assert.ok(page.next, 'there is more to look through')
  assert.ok(turns >= 9, `${turns} turns`)
  assert.deepEqual((await pagesOf(many.database, query, bounds)).flat(), [])
})

async function openCatalogue(instances: Record<string, Entry[]>) {
  const database = await openDatabase()
  await createInstances(database, Object.keys(instances))
  for (const [instance, entries] of Object.entries(instances)) {
    const seeds = entries.map(({ description, ...update }) => ({
      manifest: { ...simpleManifest(update), description },
    }))
    await seedUpdates(database, seeds, { instance })
  }
  return { database, [Symbol.asyncDispose]: () => database.close() }
}

async function pagesOf(
  database: Database,
  query: { search: string; isDeployable?: boolean | undefined; limit: number },
  bounds: SearchBounds,
): Promise<Update[][]> {
  const pages: Update[][] = []
  let after: Awaited<ReturnType<typeof listUpdates>>['next']
  do {
    const page = await listUpdates(database, { instance: 'default', ...query, after }, bounds)
    pages.push(page.items)
    after = page.next
  } while (after !== undefined)
  return pages
}

const titleOf = ({ updateId: { provider, name, version } }: Update) => `${provider}/${name}/${version}`
const identityOf = ({ provider, name, version }: Entry) => `${provider}/${name}/${version}`
const placeOf = ({ provider, name, version }: Entry) =>
  [identityKey(provider), identityKey(name), versionOrder(version)].join('\0')
const byPlace = (a: Entry, b: Entry) => (placeOf(a) < placeOf(b) ? -1 : 1)
