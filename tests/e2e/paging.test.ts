// Lists of more than one page: each entry comes once and none is left out, whatever happens between the pages, and the links survive
// what clients do to them.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Operation, Update } from '../../src/client/api-types.ts'
import { pageToken } from '../../src/http/calls/paging.ts'
import { recordOperation } from '../../src/store/operations/record-operation.ts'
import { type AppInMemory, startAppInMemory } from '../support/app-in-memory.ts'
import { seedUpdates, simpleManifest } from '../support/seed-catalogue.ts'
import { addressOf, WIRE_DIALECTS } from '../support/wire-dialects.ts'

interface Page<T = unknown> {
  value: T[]
  nextLink?: string
}

const UPDATES = '/deviceUpdate/default/updates'

const titleOf = ({ updateId: { provider, name, version } }: Update) => `${provider}/${name}/${version}`
const idOf = ({ operationId }: Operation) => operationId
const itself = (text: string) => text
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const threeDigits = (i: number) => String(i).padStart(3, '0')

describe('a list of several pages', () => {
  let app: AppInMemory
  /** In the order in which they were begun. */
  const operationIds: string[] = []
  before(async () => {
    app = await startAppInMemory({ instances: ['default', 'changing'] })
    const seeds = numbers(250).flatMap((i) => [
      simpleManifest({ provider: `Provider${threeDigits(i)}` }),
      simpleManifest({ provider: 'Names', name: `Name${threeDigits(i)}` }),
      simpleManifest({ provider: 'Versions', version: `1.${i}`, isDeployable: i % 2 === 0 }),
    ])
    await seedUpdates(
      app.database,
      seeds.map((manifest) => ({ manifest })),
    )
    const existing = await pagesFrom<Operation>(`${UPDATES}/operations`)
    operationIds.push(...existing.flatMap(({ value }) => value.map(idOf)))
    for (const _ of numbers(249)) operationIds.push(await recordImport())
  })
  after(() => app[Symbol.asyncDispose]())

  async function recordImport(instance = 'default'): Promise<string> {
    const operationId = randomUUID()
    const request = { kind: 'import' as const, inputs: [] }
    await recordOperation(app.database, { operationId, instance, request, requestedBy: 'x', traceId: '0'.repeat(32) })
    return operationId
  }

  async function pageAt<T>(address: string): Promise<Page<T>> {
    const { status, text, json } = await app.ask(address)
    assert.equal(status, 200, `${address}: ${text}`)
    return json<Page<T>>()
  }

  /** Every page; `follow` is what the client makes of a link, and `between` happens after each page. */
  async function pagesFrom<T>(
    address: string,
    follow: (link: string) => string = itself,
    between: () => Promise<void> = async () => {},
  ): Promise<Page<T>[]> {
    const pages: Page<T>[] = []
    for (let next: string | undefined = address; next !== undefined; ) {
      const page: Page<T> = await pageAt<T>(next)
      pages.push(page)
      await between()
      next = page.nextLink && follow(page.nextLink)
      assert.ok(pages.length < 20, 'the list never ends')
    }
    return pages
  }

  const newestFirst = numbers(250).map((i) => `1.${249 - i}`)
  /** The list, its query, what its entries are called, and what it must have, in this order. */
  const lists: [
    path: string,
    options: Record<string, string>,
    name: (entry: never) => string,
    expected: () => string[],
  ][] = [
    ['/providers', {}, itself, () => ['Names', ...numbers(250).map((i) => `Provider${threeDigits(i)}`), 'Versions']],
    ['/providers/Names/names', {}, itself, () => numbers(250).map((i) => `Name${threeDigits(i)}`)],
    ['/providers/versions/names/toaster/versions', {}, itself, () => newestFirst],
    [
      '/providers/Versions/names/Toaster/versions',
      { filter: 'isDeployable eq true' },
      itself,
      () => newestFirst.filter((version) => Number(version.slice(2)) % 2 === 0),
    ],
    [
      '',
      { search: 'versions toast', filter: 'isDeployable eq false' },
      titleOf,
      () =>
        newestFirst
          .filter((version) => Number(version.slice(2)) % 2 === 1)
          .map((version) => `Versions/Toaster/${version}`),
    ],
    ['', { search: 'name' }, titleOf, () => numbers(250).map((i) => `Names/Name${threeDigits(i)}/1.0`)],
  ]
  for (const [path, options, name, expected] of lists) {
    const title = `${path || '/updates'} ${JSON.stringify(options)}`

    test(`${title} has each entry once and in order, in every dialect`, async () => {
      for (const dialect of WIRE_DIALECTS) {
        const pages = await pagesFrom<never>(addressOf(dialect, path, options))
        assert.deepEqual(
          pages.flatMap(({ value }) => value.map(name)),
          expected(),
        )
        assert.ok(pages.slice(0, -1).every(({ value }) => value.length === 100))
        assert.ok(pages.length > 1)
        for (const { nextLink } of pages.slice(0, -1)) {
          assert.match(nextLink ?? '', /^\/[A-Za-z0-9._~/?=&-]+$/)
          assert.ok(nextLink?.startsWith(`${dialect.base}/updates`), nextLink)
          assert.equal(nextLink?.includes(dialect.query.slice(1)), true, 'it stays in the dialect')
        }
        assert.ok(!('nextLink' in (pages.at(-1) ?? {})), 'a null would break JavaScript clients')
      }
    })

    test(`${title} goes on after a client wrote the link anew`, async () => {
      const decoded = await pagesFrom<never>(
        `${UPDATES}${path}?${new URLSearchParams(options)}`,
        decodedWithoutEncoding,
      )
      const repeated = await pagesFrom<never>(`${UPDATES}${path}?${new URLSearchParams(options)}`, (link) =>
        withQueryAgain(link, options),
      )
      for (const pages of [decoded, repeated]) {
        assert.deepEqual(
          pages.flatMap(({ value }) => value.map(name)),
          expected(),
        )
      }
    })
  }

  test('/operations has each entry once, the newest first', async () => {
    for (const options of [{}, { filter: "status eq 'NotStarted' or status eq 'Succeeded'" }]) {
      const pages = await pagesFrom<Operation>(`${UPDATES}/operations?${new URLSearchParams(options)}`)
      assert.deepEqual(
        pages.map(({ value }) => value.length),
        [100, 100, 50],
      )
      const entries = pages.flatMap(({ value }) => value)
      assert.deepEqual(entries.map(idOf).sort(), operationIds.toSorted())
      const times = entries.map(({ createdDateTime }) => createdDateTime)
      assert.deepEqual(times, times.toSorted().reverse())
    }
  })

  test('top bounds the whole list of operations, over as many pages as it takes', async () => {
    for (const [top, lengths] of [
      [0, [0]],
      [1, [1]],
      [100, [100]],
      [101, [100, 1]],
      [249, [100, 100, 49]],
      [250, [100, 100, 50]],
      [999, [100, 100, 50]],
    ] as const) {
      const pages = await pagesFrom<Operation>(`${UPDATES}/operations?$top=${top}`)
      assert.deepEqual(
        pages.map(({ value }) => value.length),
        lengths,
        `top=${top}`,
      )
    }
    for (const top of ['-1', 'x', '1.5', '', '1e3', '99999999999', '%00']) {
      assert.equal((await app.ask(`${UPDATES}/operations?top=${top}`)).status, 400, top)
    }
  })

  test('what is there from first to last comes once, though others come and go between the pages', async () => {
    const { database } = app
    const instance = 'changing'
    const seed = (names: string[]) =>
      seedUpdates(
        database,
        names.map((name) => ({ manifest: simpleManifest({ name }) })),
        { instance },
      )
    const staying = numbers(200).map((i) => `m${threeDigits(i)}`)
    const leaving = numbers(60).map((i) => `m${threeDigits(i * 3)}-x`)
    await seed([...staying, ...leaving])
    let round = 0
    const between = async () => {
      round += 1
      await seed([`a${round}`, `m${round}50-y`, `z${round}`])
      const gone = leaving.splice(0, 20)
      const names = gone.map((_, i) => `$${i + 2}`).join(', ')
      if (gone.length > 0)
        await database.query(`delete from updates where instance = $1 and name in (${names})`, [instance, ...gone])
    }
    const address = UPDATES.replace('default', instance)
    const pages = await pagesFrom<Update>(address, itself, between)
    assert.ok(round >= 3)
    const seen = pages.flatMap(({ value }) => value.map(({ updateId }) => updateId.name))
    assert.equal(new Set(seen).size, seen.length, 'nothing comes twice')
    assert.deepEqual(
      seen.filter((name) => staying.includes(name)),
      staying,
    )
    assert.deepEqual(seen, seen.toSorted())

    const before = new Set(
      (await pagesFrom<string>(`${address}/providers/Contoso/names`)).flatMap(({ value }) => value),
    )
    assert.ok(before.has('a1') && !before.has('m000-x'))
  })

  test('an operation that begins between the pages does not push others onto the next page again', async () => {
    const instance = 'changing'
    for (const _ of numbers(150)) await recordImport(instance)
    const address = `${UPDATES.replace('default', instance)}/operations`
    const first = await pageAt<Operation>(address)
    for (const _ of numbers(30)) await recordImport(instance)
    const second = await pageAt<Operation>(first.nextLink ?? '')
    const seen = [...first.value, ...second.value].map(idOf)
    assert.equal(new Set(seen).size, seen.length)
    assert.ok(seen.length >= 150)
  })

  test('a list whose every entry is deleted between the pages simply ends', async () => {
    const instance = 'changing'
    const versions = numbers(150).map((i) => ({
      manifest: simpleManifest({ provider: 'Fleeting', version: `1.${i}` }),
    }))
    for (const path of ['/providers/Fleeting/names/Toaster/versions', '?search=fleeting']) {
      await seedUpdates(app.database, versions, { instance }).catch(() =>
        assert.fail('operations wait; seed elsewhere'),
      )
      const { nextLink = '' } = await pageAt(UPDATES.replace('default', instance) + path)
      await app.database.query("delete from updates where instance = $1 and provider = 'Fleeting'", [instance])
      assert.deepEqual(await pageAt(nextLink), { value: [] })
    }
  })

  const garbage = [
    'x',
    '%7B%7D',
    '%00',
    'e30',
    'bnVsbA',
    ...[
      { after: {} },
      { after: '' },
      { after: null },
      { after: { providerKey: 1, nameKey: 2, versionOrder: 3 } },
      { after: { providerKey: 'a', nameKey: 'b' } },
      { after: { createdAt: '0', operationId: 'a' } },
      { after: { createdAt: -1, operationId: 'a' } },
      { after: { createdAt: 1e300, operationId: 'a' } },
      { after: { createdAt: 1, operationId: 'a' }, top: -5 },
      { after: { createdAt: 1, operationId: 'a' }, top: 1.5 },
      { after: { createdAt: 1, operationId: 'a' }, filter: 5 },
      { after: { createdAt: 1, operationId: 'a' }, filter: 'x' },
      { after: 'a', filter: 'nonsense', search: [] },
      { search: 5 },
    ].map(pageToken),
  ]
  for (const path of [
    '',
    '/providers',
    '/providers/Names/names',
    '/providers/Versions/names/Toaster/versions',
    '/operations',
  ]) {
    test(`a token that the list ${path || '/updates'} did not write is refused, and breaks nothing`, async () => {
      for (const token of garbage) {
        const { status, text } = await app.ask(`${UPDATES}${path}?skipToken=${token}`)
        // A token with a plain text in `after` is one that three of the lists could have written.
        const isText = token === pageToken({ after: '' }) && path.startsWith('/providers')
        assert.equal(status, isText ? 200 : 400, `${token} ${text}`)
      }
    })
  }
})

/**
 * What the official Python client 1.0 makes of a link (tried with azure-core 1.26): it decodes the query and sends it again without
 * encoding it, with an api-version of its own.
 */
function decodedWithoutEncoding(link: string): string {
  const { pathname, searchParams } = new URL(link, 'http://server')
  searchParams.set('api-version', '2022-10-01')
  return `${pathname}?${[...searchParams].map(([name, value]) => `${name}=${value}`).join('&')}`
}

/** What `az iot du` makes of a link: it adds the options of the first request again. */
function withQueryAgain(link: string, options: Record<string, string>): string {
  const url = new URL(link, 'http://server')
  for (const [name, value] of Object.entries({ 'api-version': '2022-10-01', ...options }))
    url.searchParams.set(name, value)
  return url.pathname + url.search
}
