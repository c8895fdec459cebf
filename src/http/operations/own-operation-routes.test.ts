import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { OPERATIONS, seedEveryState } from '../../../tests/support/seed-every-state.ts'

interface Page {
  value: { operationId: string; kind: string; status: string }[]
  nextLink?: string
}

const PATH = '/aduana/v1/default/operations'
const NEWEST_FIRST = Object.values(OPERATIONS)
  .filter((id) => id !== OPERATIONS.succeededMany)
  .toReversed()

describe('the list of operations', () => {
  let app: AppInMemory
  before(async () => {
    app = await startAppInMemory({ instances: ['default', 'many'] })
    await seedEveryState(app.database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
    // Several in one millisecond, so that pages have to part them by their ids.
    await app.database.query('update operations set created_at = created_at - created_at % 50')
  })
  after(() => app[Symbol.asyncDispose]())

  async function page(query: string): Promise<Page> {
    const answer = await app.ask(query.startsWith('/') ? query : PATH + query)
    assert.equal(answer.status, 200, answer.text)
    return answer.json<Page>()
  }

  test('has those of every kind, newest first', async () => {
    const { value, nextLink } = await page('')
    assert.deepEqual(
      value.map(({ operationId }) => operationId),
      NEWEST_FIRST,
    )
    assert.equal(nextLink, undefined)
  })

  test('is cut into pages that leave nothing out and tell nothing twice', async () => {
    await app.database.batch(
      Array.from({ length: 230 }, (_, index) => ({
        sql: `insert into operations (id, instance, kind, status, requested_by, trace_id, created_at, last_action_at, ended_at, attempt, etag)
              values ($1, 'many', $2, 'Succeeded', 'tester', 't', $3, 1, 1, 1, 'e')`,
        params: [`op-${index}`, index % 3 === 0 ? 'delete' : 'import', 1000 + (index % 7)],
      })),
    )
    const seen: string[] = []
    let pages = 0
    for (let next: string | undefined = '/aduana/v1/many/operations'; next !== undefined; pages += 1) {
      const { value, nextLink }: Page = await page(next)
      seen.push(...value.map(({ operationId }) => operationId))
      next = nextLink
    }
    assert.equal(pages, 3)
    assert.equal(seen.length, 231)
    assert.equal(new Set(seen).size, 231)
  })

  test('is filtered by status and kind, on every page', async () => {
    const { value } = await page('?status=Running,NotStarted&kind=DELETE')
    assert.deepEqual(
      value.map(({ operationId }) => operationId),
      [OPERATIONS.deleteNotStarted],
    )
    const { value: some, nextLink } = await page('/aduana/v1/many/operations?kind=delete&status=Succeeded')
    assert.equal(some.length, 77)
    assert.equal(nextLink, undefined)
    const first = await page('/aduana/v1/many/operations?kind=import&top=120')
    const second = await page(first.nextLink ?? assert.fail('there is more'))
    assert.equal(first.value.length + second.value.length, 120)
    assert.ok([...first.value, ...second.value].every(({ kind }) => kind === 'import'))
    assert.equal(second.nextLink, undefined)
  })

  test('says what a filter may be', async () => {
    for (const query of ['?status=Done', '?kind=imports', '?kind=import,,delete', '?top=-1', '?skipToken=e30']) {
      const answer = await app.ask(PATH + query)
      assert.equal(answer.status, 400, query)
    }
  })

  test('has the sums of the files of each', async () => {
    const { value } = await page(`?status=Running`)
    const running = value.find(({ operationId }) => operationId === OPERATIONS.running)
    assert.partialDeepStrictEqual(running, { sizeInBytes: 1_048_576, bytesDone: 524_288 })
  })
})
