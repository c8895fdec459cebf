import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { brotliCompressSync } from 'node:zlib'
import { SignJWT } from 'jose'
import {
  answerStatus,
  type Behaviour,
  neverAnswer,
  redirectTo,
  serveBytes,
  stall,
  startSource,
  trickle,
} from '../../../tests/support/misbehaving-source.ts'
import { publishIssuer } from '../../../tests/support/signing-issuer.ts'
import { openOidcIssuer } from './oidc-issuer.ts'
import { createTokenVerifier } from './token-verifier.ts'

const aud = 'https://aduana.example'
const MINUTE = 60_000

/** A made-up issuer, and a verifier that trusts it and whose clock runs ahead as far as the test says. */
async function setUp(t: TestContext, { timeoutMs = 5000 } = {}) {
  const source = await startSource()
  t.after(() => source[Symbol.asyncDispose]())
  const theirs = await publishIssuer(source)
  const clock = { aheadMs: 0 }
  const told: string[] = []
  const tell = (facts: object, message: string) => told.push(`${message} ${JSON.stringify(facts)}`)
  const open = () => {
    const { issuer, discoveryUrl } = theirs
    const opened = openOidcIssuer({
      issuer,
      discoveryUrl,
      audiences: [aud],
      timeoutMs,
      now: () => Date.now() + clock.aheadMs,
      log: { info: tell, warn: tell },
    })
    t.after(() => opened.close())
    return { opened, verify: createTokenVerifier({ issuers: [opened] }) }
  }
  return { source, theirs, clock, told, open }
}

const isUnavailable = { code: 'Unavailable', message: /does not answer as it should/ }
const isUnknownKey = { code: 'Unauthenticated', message: /not signed with a key of the issuer/ }

test('an issuer is asked in the background, and its tokens open the server', async (t) => {
  const { theirs, open, told, source } = await setUp(t)
  const { opened, verify } = open()
  assert.equal(opened.endpoints(), undefined)
  await opened.attempted
  assert.deepEqual(opened.endpoints(), {
    authorizationUrl: `${theirs.issuer}/authorize`,
    tokenUrl: `${theirs.issuer}/token`,
  })
  assert.equal(opened.problem(), undefined)
  const principal = await verify(await theirs.sign({ aud }))
  assert.deepEqual(principal, { subject: 'ana', issuer: theirs.issuer, grants: [] })
  assert.equal(told.length, 1)
  assert.match(told[0]!, /the issuer answers/)
  assert.deepEqual(
    source.requests.map(({ path }) => path),
    [theirs.paths.discovery, theirs.paths.keys],
  )
})

test('a token need not wait for the first attempt to be asked for', async (t) => {
  const { theirs, open } = await setUp(t)
  const token = await theirs.sign({ aud })
  assert.equal((await open().verify(token)).subject, 'ana')
})

test('a new key is picked up when a token names it, and the old one is gone then', async (t) => {
  const { theirs, open, clock } = await setUp(t)
  const { verify } = open()
  const old = await theirs.sign({ aud, jti: 'old' })
  await verify(await theirs.sign({ aud }))
  await theirs.rotateKey()
  clock.aheadMs += 11_000
  assert.equal((await verify(await theirs.sign({ aud }))).subject, 'ana')
  await assert.rejects(async () => verify(old), isUnknownKey)
})

test('made-up key ids cost the issuer one attempt in ten seconds, and known keys go on working', async (t) => {
  const { theirs, open, clock, source } = await setUp(t)
  const { opened, verify } = open()
  await opened.attempted
  const assertAllRefused = async () => {
    const forged = await Promise.all(
      Array.from({ length: 50 }, (_, n) => theirs.sign({ aud }, { kid: `made-up-${n}` })),
    )
    await Promise.all(forged.map((token) => assert.rejects(async () => verify(token), isUnknownKey)))
  }
  await assertAllRefused()
  assert.equal(source.requests.length, 2)
  clock.aheadMs += 11_000
  await assertAllRefused()
  assert.equal(source.requests.length, 4)
  assert.equal((await verify(await theirs.sign({ aud }))).subject, 'ana')
})

test('keys are asked for again after ten minutes, so that a withdrawn one stops working', async (t) => {
  const { theirs, open, clock, source } = await setUp(t)
  const { opened, verify } = open()
  await opened.attempted
  const [early, late] = [await theirs.sign({ aud, jti: 'early' }), await theirs.sign({ aud, jti: 'late' })]
  await theirs.rotateKey()
  clock.aheadMs = 9 * MINUTE
  await verify(early)
  assert.equal(source.requests.length, 2)
  clock.aheadMs = 11 * MINUTE
  await assert.rejects(async () => verify(late), isUnknownKey)
  assert.equal(source.requests.length, 4)
})

test('while the issuer is down, known keys go on working for a day and others are not blamed on the token', async (t) => {
  const { theirs, open, clock, source, told } = await setUp(t)
  const { opened, verify } = open()
  await opened.attempted
  source.at(theirs.paths.discovery, answerStatus(500))

  clock.aheadMs = 60 * MINUTE
  assert.equal((await verify(await theirs.sign({ aud }))).subject, 'ana')
  await assert.rejects(theirs.sign({ aud }, { kid: 'unknown' }).then(verify), isUnavailable)
  assert.match(opened.problem() ?? '', /answered with the status 500/)
  clock.aheadMs += 11_000
  await assert.rejects(theirs.sign({ aud }, { kid: 'unknown' }).then(verify), isUnavailable)
  assert.equal(told.length, 2, 'the same problem is told once')

  clock.aheadMs = 24 * 60 * MINUTE
  await assert.rejects(theirs.sign({ aud, jti: 'a day later' }).then(verify), isUnavailable)
  theirs.publish({})
  clock.aheadMs += 11_000
  assert.equal((await verify(await theirs.sign({ aud }))).subject, 'ana')
  assert.equal(opened.problem(), undefined)
  assert.match(told.at(-1)!, /the issuer answers/)
})

test('an issuer that was never reached is no obstacle to starting, and is asked again after ten seconds', async (t) => {
  const { theirs, open, clock, source } = await setUp(t)
  source.at(theirs.paths.keys, answerStatus(503))
  const { opened, verify } = open()
  const token = await theirs.sign({ aud })
  await assert.rejects(async () => verify(token), isUnavailable)
  const asked = source.requests.length
  await assert.rejects(async () => verify(token), isUnavailable)
  assert.equal(source.requests.length, asked)
  theirs.publish({})
  clock.aheadMs += 11_000
  assert.equal((await verify(token)).subject, 'ana')
  assert.equal(opened.problem(), undefined)
})

test('a slow issuer holds nobody up for longer than the limit, and one attempt serves all who wait', async (t) => {
  const bytes = Buffer.from('{"issuer": "…"}')
  for (const slow of [neverAnswer, stall(bytes, { afterBytes: 5 }), trickle(bytes, { everyMs: 90 })]) {
    const { theirs, open, source } = await setUp(t, { timeoutMs: 150 })
    source.at(theirs.paths.discovery, slow)
    const { opened, verify } = open()
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => theirs.sign({ aud, jti: String(n) })))
    const startedAt = performance.now()
    await Promise.all(tokens.map((token) => assert.rejects(async () => verify(token), isUnavailable)))
    const waitedMs = performance.now() - startedAt
    assert.ok(waitedMs < 1000, `${waitedMs} ms`)
    assert.equal(source.requests.length, 1)
    assert.equal(opened.problem(), 'It did not answer within 150 ms.')
  }
})

test('closing ends an attempt at once and without a word', async (t) => {
  const { theirs, open, source, told } = await setUp(t)
  const asked = new Promise<void>((resolve) => {
    source.at(theirs.paths.discovery, () => resolve())
  })
  const { opened } = open()
  await asked
  opened.close()
  await opened.attempted
  assert.deepEqual(told, [])
})

test('a description that is not what it should be is a problem of the issuer, and named', async (t) => {
  const { theirs, open, source } = await setUp(t)
  const json = (document: unknown) => serveBytes(Buffer.from(JSON.stringify(document)))
  const { issuer, paths } = theirs
  const flaws: [string, Behaviour, RegExp][] = [
    [paths.discovery, json({ issuer: `${issuer}/` }), /describes the issuer ".*\/", but must describe ".*[^/]"/],
    [paths.discovery, json({ issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' }), /describes the issuer/],
    [paths.discovery, json(null), /describes the issuer "undefined"/],
    [paths.discovery, serveBytes(Buffer.from('<html>')), /did not send JSON/],
    [paths.discovery, redirectTo(`${issuer}/elsewhere`), /status 302/],
    [paths.discovery, json({ issuer }), /"jwks_uri" .* must be an https URL/],
    [paths.discovery, json({ issuer, jwks_uri: 'http://id.example/keys' }), /"jwks_uri" .* must be an https URL/],
    [paths.discovery, json({ issuer, jwks_uri: 'file:///etc/passwd' }), /"jwks_uri" .* must be an https URL/],
    [paths.keys, json({ keys: [] }), /key set of the issuer is empty/],
    [paths.keys, json({ keys: ['x'] }), /Key Set malformed/],
    [paths.keys, serveBytes(Buffer.alloc(600 * 1024, ' ')), /sent more than 524288 bytes/],
    [paths.keys, (request) => request.socket.destroy(), /other side closed/],
    [paths.keys, compressed, /did not send JSON/],
  ]
  for (const [path, flaw, problem] of flaws) {
    theirs.publish({})
    source.at(path, flaw)
    const { opened, verify } = open()
    await assert.rejects(theirs.sign({ aud }).then(verify), isUnavailable)
    assert.match(opened.problem() ?? '', problem)
  }
})

/** A good document in a form that was not asked for: nothing may unpack it. */
const compressed: Behaviour = (_request, response) => {
  const keySet = JSON.stringify({ keys: [{ kty: 'oct', k: 'AA' }] })
  response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(keySet))
}

test('an issuer elsewhere cannot send the server to itself', async (t) => {
  const issuer = 'https://id.example'
  const document = { issuer, jwks_uri: 'http://127.0.0.1:1/keys' }
  const opened = openOidcIssuer({
    issuer,
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    audiences: [aud],
    ask: async () => ({ statusCode: 200, body: ReadableStream.from([Buffer.from(JSON.stringify(document))]) }),
    log: { info() {}, warn() {} },
  })
  t.after(() => opened.close())
  await opened.attempted
  assert.match(opened.problem() ?? '', /"jwks_uri" .* is "http:\/\/127\.0\.0\.1:1\/keys", but must be an https URL/)
})

test('a secret among the published keys checks nothing', async (t) => {
  const { theirs, open } = await setUp(t)
  const secret = Buffer.alloc(32, 'a secret that everybody knows')
  theirs.publish({ keys: { keys: [{ kty: 'oct', kid: 'shared', alg: 'HS256', k: secret.toString('base64url') }] } })
  const { verify } = open()
  const forged = await new SignJWT({ iss: theirs.issuer, sub: 'ana', aud, exp: 9e9 })
    .setProtectedHeader({ alg: 'HS256', kid: 'shared' })
    .sign(secret)
  await assert.rejects(async () => verify(forged), { code: 'Unauthenticated', message: /signed in a way that is not/ })
})
