import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import type { Answered } from '../../../tests/support/ask.ts'
import { listAudit } from '../../store/audit.ts'
import type { RedeemLoginCode } from './login-route.ts'

const LOGIN = '/aduana/v1/login'
const JSON_TYPE = { 'content-type': 'application/json' }

/** Knows one code, which is good once. */
function redeemOnce(): { redeemLoginCode: RedeemLoginCode; asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    async redeemLoginCode(code) {
      const isFirst = code === 'good' && !asked.includes(code)
      asked.push(code)
      if (!isFirst) return undefined
      const expiresAt = Date.UTC(2030, 0, 1)
      const who = { subject: 'local', issuer: 'urn:tests', role: 'Device Update Reader', instances: ['blue', 'green'] }
      return { accessToken: 'token', expiresAt, ...who }
    },
  }
}

const post = (code: string, headers: Record<string, string> = JSON_TYPE) => ({
  method: 'POST',
  role: '',
  headers,
  body: JSON.stringify({ code }),
})

const codeOf = (answer: Answered) => answer.json<{ error: { code: string } }>().error.code

describe('the exchange of a login code', () => {
  test('answers a token that nobody keeps, and the audit log of each instance tells who signed in', async () => {
    await using app = await startAppInMemory({ instances: ['blue', 'green'], ...redeemOnce() })
    const answer = await app.ask(LOGIN, post('good'))
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json(), { accessToken: 'token', expiresOn: '2030-01-01T00:00:00.0000000Z' })
    assert.equal(answer.headers['cache-control'], 'no-store')
    for (const instance of ['blue', 'green']) {
      const [{ id, at, traceId, ...entry } = assert.fail(), ...more] = await listAudit(app.database, {
        instance,
        limit: 5,
      })
      const address = '127.0.0.1'
      const who = { subject: 'local', issuer: 'urn:tests', address, target: 'Device Update Reader' }
      assert.deepEqual(entry, { action: 'sign-in', instance, ...who })
      assert.deepEqual(more, [])
    }
  })

  test('refuses unknown and used codes with the same words, and keeps that in the audit log', async () => {
    await using app = await startAppInMemory(redeemOnce())
    assert.equal((await app.ask(LOGIN, post('good'))).status, 200)
    const [used, unknown] = [await app.ask(LOGIN, post('good')), await app.ask(LOGIN, post('other'))]
    const words = ({ status, headers, text }: Answered) => [
      status,
      Object.keys(headers),
      text.replaceAll(String(headers.traceparent), ''),
    ]
    assert.deepEqual(words(used), words(unknown))
    assert.deepEqual([used.status, codeOf(used)], [403, 'LoginCodeRefused'])
    const told = app.refusals.map(({ traceId, ...entry }) => entry)
    const refusal = {
      action: 'refused',
      instance: '',
      address: '127.0.0.1',
      code: 'LoginCodeRefused',
      target: 'sign-in',
    }
    assert.deepEqual(told, [refusal, refusal])
  })

  test('is not there for what a page of another site can send, and spends no code on it', async () => {
    const { asked, redeemLoginCode } = redeemOnce()
    await using app = await startAppInMemory({ redeemLoginCode })
    for (const site of ['cross-site', 'same-site', 'none']) {
      const answer = await app.ask(LOGIN, post('good', { ...JSON_TYPE, 'sec-fetch-site': site }))
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'CrossSiteRequest'], site)
    }
    assert.deepEqual(new Set(app.refusals.map(({ code }) => code)), new Set(['CrossSiteRequest']))
    // What a form can declare, and a browser sends without asking for leave.
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
      const answer = await app.ask(LOGIN, post('good', type === '' ? {} : { 'content-type': type }))
      assert.deepEqual([answer.status, codeOf(answer)], [415, 'UnsupportedMediaType'], type)
    }
    const leave = { origin: 'http://elsewhere.example', 'access-control-request-method': 'POST' }
    const preflight = await app.ask(LOGIN, { method: 'OPTIONS', role: '', headers: leave })
    assert.equal(preflight.status, 404)
    const foreign = { ...post('other'), headers: { ...JSON_TYPE, origin: 'http://elsewhere.example' } }
    for (const { headers } of [preflight, await app.ask(LOGIN, foreign)]) {
      const leaves = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
      assert.deepEqual(leaves, [])
    }
    const rebound = await app.ask(LOGIN, post('good', { ...JSON_TYPE, host: 'elsewhere.example' }))
    assert.equal(rebound.status, 421)
    assert.deepEqual(asked, ['other'])
    assert.equal((await app.ask(LOGIN, post('good', { ...JSON_TYPE, 'sec-fetch-site': 'same-origin' }))).status, 200)
  })

  test('refuses a body that has no code, without repeating it', async () => {
    const { asked, redeemLoginCode } = redeemOnce()
    await using app = await startAppInMemory({ redeemLoginCode })
    for (const body of ['', '[]', '{}', '"secret"', '{"code":["secret"]}', `{"code":"${'secret'.repeat(50)}"}`]) {
      const answer = await app.ask(LOGIN, { ...post(''), body })
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'InvalidRequest'], body)
      assert.ok(!answer.text.includes('secret'))
    }
    assert.deepEqual(asked, [])
  })

  test('slows who guesses, but not what pages elsewhere make a browser send', async () => {
    await using app = await startAppInMemory(redeemOnce())
    const foreign = post('other', { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' })
    for (let i = 0; i < 70; i += 1) assert.equal((await app.ask(LOGIN, foreign)).status, 403)
    let answer = await app.ask(LOGIN, post('other'))
    let passed = 0
    for (; answer.status === 403 && passed < 100; passed += 1) answer = await app.ask(LOGIN, post('other'))
    // A place comes back every second.
    assert.ok(passed >= 60 && passed <= 70, `${passed} passed`)
    assert.deepEqual([answer.status, codeOf(answer), answer.headers['retry-after']], [429, 'TooManyRequests', '1'])
    const update = '/deviceUpdate/default/updates?api-version=2022-10-01'
    assert.equal((await app.ask(update)).status, 200)
  })

  test('is off where the local issuer is, and while the server stops', async () => {
    await using app = await startAppInMemory()
    const off = await app.ask(LOGIN, post('good'))
    assert.deepEqual([off.status, codeOf(off)], [404, 'NotFound'])
    assert.match(off.text, /local issuer is off/)
    app.isReady = false
    assert.equal((await app.ask(LOGIN, post('good'))).status, 503)
  })

  test('takes nothing away from an instance called login', async () => {
    await using app = await startAppInMemory({ instances: ['login'] })
    const answer = await app.ask('/aduana/v1/login/operations/none')
    assert.match(answer.text, /operation/i)
    assert.equal((await app.ask('/aduana/v1/login/rescan', { method: 'POST' })).status, 409)
  })
})
