import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { seedEveryState, WEBHOOK } from '../../../tests/support/seed-every-state.ts'

const PATH = '/aduana/v1/default/webhooks'

interface Document {
  name: string
  secret?: string
  [member: string]: unknown
}

describe('webhooks', () => {
  let app: AppInMemory
  before(async () => {
    app = await startAppInMemory({ instances: ['default', 'many'] })
    await seedEveryState(app.database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
  })
  after(() => app[Symbol.asyncDispose]())

  const put = (name: string, body: unknown) =>
    app.ask(`${PATH}/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const post = (path: string) =>
    app.ask(PATH + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '' })

  test('have a secret that is shown once, and never again', async () => {
    const made = await put('first', { url: 'https://hooks.contoso.com/x?key=1' })
    assert.equal(made.status, 200, made.text)
    assert.equal(made.headers['cache-control'], 'no-store')
    const { secret = '', ...document } = made.json<Document>()
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
    assert.partialDeepStrictEqual(document, { name: 'first', hasSecret: true, waiting: 0, failed: 0 })
    const again = await put('first', { url: 'https://hooks.contoso.com/y', types: ['aduana.update.imported'] })
    const got = await app.ask(`${PATH}/first`)
    const list = await app.ask(PATH)
    for (const { status, text } of [again, got, list]) {
      assert.equal(status, 200, text)
      assert.ok(!text.includes('whsec_'))
    }
    assert.deepEqual(
      list.json<{ value: Document[] }>().value.map(({ name }) => name),
      ['first', WEBHOOK],
    )
    const [row] = await app.database.query(`select secret from webhooks where name = 'first'`)
    assert.equal(row?.secret, secret, 'who changes it otherwise keeps it')
  })

  test('may have short names', async () => {
    assert.equal((await put('ci', { url: 'https://a.example' })).status, 200)
    assert.equal((await app.ask(`${PATH}/ci`, { method: 'DELETE' })).status, 204)
  })

  test('take a secret of the caller', async () => {
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
    const { status, text } = await put('given', { url: 'https://hooks.contoso.com', secret })
    assert.equal(status, 200)
    assert.ok(!text.includes(secret))
    const [row] = await app.database.query(`select secret from webhooks where name = 'given'`)
    assert.equal(row?.secret, secret)
  })

  test('are refused with what is wrong', async () => {
    for (const [name, body, target] of [
      ['-x', { url: 'https://a.example' }, 'name'],
      ['some', { url: 'ftp://a.example' }, '/url'],
      ['some', { url: 'http://a.example' }, '/url'],
      ['some', { url: 'https://user:word@a.example' }, '/url'],
      ['some', { url: 'https://a.example/#part' }, '/url'],
      ['some', { url: 'https://a.example', secret: 'secret' }, '/secret'],
      ['some', { url: 'https://a.example', secret: `whsec_${Buffer.alloc(10).toString('base64')}` }, '/secret'],
      ['some', { url: 'https://a.example', types: ['all'] }, undefined],
      ['some', { url: 'https://a.example', types: [] }, undefined],
      ['some', { url: 'https://a.example', hasSecret: true }, undefined],
      ['some', [], undefined],
    ] as const) {
      const answer = await put(name, body)
      assert.equal(answer.status, 400, JSON.stringify(body))
      assert.equal(answer.json<{ error: { target?: string } }>().error.target, target, answer.text)
    }
  })

  test('are twenty at most in an instance', async () => {
    for (let i = 0; i < 17; i += 1) {
      assert.equal((await put(`more-${i}`, { url: 'https://a.example' })).status, 200)
    }
    const answer = await put('too-many', { url: 'https://a.example' })
    assert.equal(answer.status, 400)
    assert.match(answer.text, /at most 20 webhooks/)
    assert.equal((await put('more-1', { url: 'https://b.example' })).status, 200, 'changing one is no further one')
  })

  test('list what was given up, which can be retried', async () => {
    const { value } = (await app.ask(`${PATH}/${WEBHOOK}/failures`)).json<{ value: { id: string; type: string }[] }>()
    assert.equal(value.length, 1)
    const [{ id, type }] = value as [{ id: string; type: string }]
    assert.equal(type, 'aduana.update.imported')
    assert.equal((await post(`/${WEBHOOK}/failures/${id}x:retry`)).status, 404)
    assert.equal((await post(`/${WEBHOOK}/failures/${id}:retry`)).status, 204)
    assert.equal((await post(`/${WEBHOOK}/failures/${id}:retry`)).status, 404, 'it is none any more')
    assert.partialDeepStrictEqual((await app.ask(`${PATH}/${WEBHOOK}`)).json(), { waiting: 2, failed: 0 })
  })

  test('are deleted; every change is in the audit log', async () => {
    assert.equal((await app.ask(`${PATH}/first`, { method: 'DELETE' })).status, 204)
    assert.equal((await app.ask(`${PATH}/first`, { method: 'DELETE' })).status, 404)
    assert.equal((await app.ask(`${PATH}/first`)).status, 404)
    const rows = await app.database.query(
      `select action, target from audit where target like 'first%' or target like 'seeded %' order by at, id`,
    )
    const told = rows.map(({ action, target }) => `${action} ${String(target).split(' ', 1)[0]}`)
    assert.deepEqual(told.sort(), [
      'delete-webhook first',
      'retry-webhook seeded',
      'set-webhook first',
      'set-webhook first',
    ])
  })
})
