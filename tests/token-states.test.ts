// Who gets in: tokens of a real issuer, and tokens of the shapes of Entra ID and Keycloak, against what the server answers.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import Fastify from 'fastify'
import type { JWTPayload } from 'jose'
import { openAssignmentsFile } from '../src/adapters/tokens/assignments-file.ts'
import { openLocalIssuer } from '../src/adapters/tokens/local-issuer.ts'
import { askIssuer, openOidcIssuer } from '../src/adapters/tokens/oidc-issuer.ts'
import { issuerNames, parseOidcIssuer } from '../src/adapters/tokens/oidc-issuer-setting.ts'
import { createTokenVerifier, type TrustedIssuer } from '../src/adapters/tokens/token-verifier.ts'
import type { AppError } from '../src/domain/errors.ts'
import { roleNamed } from '../src/domain/permissions.ts'
import type { RoleAssignment } from '../src/domain/role-assignments.ts'
import { admit, type Gate } from '../src/http/admission/admit.ts'
import { createRateLimiter } from '../src/http/admission/rate-limits.ts'
import { statusOf } from '../src/http/calls/problems.ts'
import { startSource } from './support/misbehaving-source.ts'
import { startOidcIssuer } from './support/oidc-issuer.ts'
import { publishIssuer } from './support/signing-issuer.ts'

const AUDIENCE = 'https://aduana.example'
const INSTANCES = ['blue', 'green']
const READER = 'DeviceUpdateReader'
const log = { info() {}, warn() {}, error() {} }

/** Trusts the issuer of an `--oidc-issuer`, as the server does. */
function trust(
  setting: string,
  {
    audiences = [AUDIENCE],
    ...options
  }: { audiences?: string[]; timeoutMs?: number; ask?: typeof askIssuer; now?: () => number } = {},
): TrustedIssuer[] {
  const { name, places, instances } = parseOidcIssuer(setting)
  return places.map((place) => {
    const issuer = openOidcIssuer({ ...place, name, instances, audiences, log, ...options })
    after(() => issuer.close())
    return issuer
  })
}

/** Asks like a client, and answers what it gets: the status, and the sentence of an error. */
function createDoor(issuers: TrustedIssuer[], assignments?: () => readonly RoleAssignment[]) {
  const verify = createTokenVerifier({ issuers, ...(assignments && { assignments }) })
  const gate: Gate = {
    verify,
    hasInstance: (name) => INSTANCES.includes(name),
    rates: createRateLimiter({}),
    audit: { async recorded() {}, async refused() {} },
  }
  const app = Fastify()
  app.decorateRequest('traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
  app.setErrorHandler((error: AppError, _request, reply) => reply.code(statusOf(error.code)).send(error.message))
  for (const [method, permission] of [
    ['GET', 'updates/read'],
    ['POST', 'updates/write'],
  ] as const) {
    app.route({
      method,
      url: '/:instanceId',
      async handler(request) {
        await admit(request, { permission, rateGroup: 'requests' }, gate)
        return 'come in'
      },
    })
  }
  return async (authorization: string | undefined, { instance = 'blue', method = 'GET' as 'GET' | 'POST' } = {}) => {
    const headers = authorization === undefined ? {} : { authorization }
    const { statusCode, body } = await app.inject({ method, url: `/${instance}`, headers })
    return `${statusCode} ${body}`
  }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('the state of a token decides what it opens', async () => {
  await using source = await startSource()
  const issuer = await publishIssuer(source)
  const stranger = await publishIssuer(source, { path: '/stranger' })
  const ask = createDoor(trust(`${issuer.issuer}=blue`))
  const now = Math.floor(Date.now() / 1000)
  const claims: JWTPayload = { aud: AUDIENCE, iss: issuer.issuer, sub: 'ana', exp: now + 300, roles: [READER] }
  const good = await issuer.sign(claims)
  const [header, , signature] = good.split('.')
  const bearer = async (changes: JWTPayload, head = {}) =>
    `Bearer ${await issuer.sign({ ...claims, ...changes }, head)}`
  const nobody = /^404 There is no such instance, or you have no role in it\.$/

  const table: [state: string, authorization: string | undefined, answer: RegExp][] = [
    ['good', `Bearer ${good}`, /^200 /],
    ['good, scheme in other letters', `bEARER ${good}`, /^200 /],
    ['for one of several audiences', await bearer({ aud: ['https://other.example', `${AUDIENCE}/`] }), /^200 /],
    ['as RFC 9068 types it', await bearer({}, { typ: 'at+jwt' }), /^200 /],
    ['missing', undefined, /^401 .*no bearer token/],
    ['empty', 'Bearer ', /^401 .*no bearer token/],
    ['of another scheme', `Basic ${btoa('ana:secret')}`, /^401 .*no bearer token/],
    ['two of them', `Bearer ${good} ${good}`, /^401 .*no bearer token/],
    ['malformed', 'Bearer secret', /^401 .*not a well-formed JWT/],
    ['cut off', `Bearer ${good.slice(0, -5)}`, /^401 /],
    ['encrypted', `Bearer ${good}.x.y`, /^401 .*not a well-formed JWT/],
    ['expired', await bearer({ exp: now - 60 }), /^401 .*expired at/],
    ['without an end', await bearer({ exp: undefined as unknown as number }), /^401 .*lacks the claim "exp"/],
    ['not yet valid', await bearer({ nbf: now + 60 }), /^401 .*not valid before/],
    ['wrong audience', await bearer({ aud: 'https://graph.microsoft.com' }), /^401 .*for the audience/],
    ['audience of Azure', await bearer({ aud: 'https://api.adu.microsoft.com' }), /^401 .*for the audience/],
    ['without an audience', await bearer({ aud: undefined as unknown as string }), /^401 .*lacks the claim "aud"/],
    ['wrong issuer', await bearer({ iss: 'https://evil.example' }), /^401 .*does not trust/],
    ['issuer but for a slash', await bearer({ iss: `${issuer.issuer}/` }), /^401 .*does not trust/],
    [
      'wrong issuer with its own key',
      `Bearer ${await stranger.sign({ ...claims, iss: stranger.issuer })}`,
      /^401 .*does not trust/,
    ],
    ['wrong key', `Bearer ${await stranger.sign(claims)}`, /^401 .*not signed with a key/],
    [
      'changed claims',
      `Bearer ${header}.${encode({ ...claims, roles: ['DeviceUpdateAdministrator'] })}.${signature}`,
      /^401 .*not signed with a key/,
    ],
    [
      'no algorithm',
      `Bearer ${encode({ alg: 'none' })}.${encode(claims)}.`,
      /^401 .*signed in a way that is not accepted/,
    ],
    ['no algorithm, signed', `Bearer ${encode({ alg: 'none' })}.${encode(claims)}.${signature}`, /^401 .*not accepted/],
    ['another type', await bearer({}, { typ: 'logout+jwt' }), /^401 .*of the type "logout\+jwt"/],
    [
      'an extension that must be understood',
      `Bearer ${encode({ alg: 'ES256', crit: ['x'], x: 1 })}.${encode(claims)}.${signature}`,
      /^401 .*not a well-formed JWT/,
    ],
    ['without a role', await bearer({ roles: [] }), nobody],
    ['with a role of others', await bearer({ roles: ['Owner'] }), nobody],
  ]
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const { keys } = JSON.parse(await (await fetch(`${issuer.issuer}/keys`)).text())
    const head = `${encode({ alg, kid: keys[0].kid })}.${encode(claims)}`
    const forged = createHmac(`sha${alg.slice(2)}`, JSON.stringify(keys[0]))
      .update(head)
      .digest('base64url')
    table.push([
      `public key as a secret, ${alg}`,
      `Bearer ${head}.${forged}`,
      /^401 .*signed in a way that is not accepted/,
    ])
  }
  for (const [state, authorization, answer] of table) assert.match(await ask(authorization), answer, state)

  // Another instance, one that does not exist, and no instance at all are the same to somebody without a role there.
  for (const instance of ['green', 'nowhere', '*'])
    assert.match(await ask(`Bearer ${good}`, { instance }), nobody, instance)
  assert.match(await ask(`Bearer ${good}`, { method: 'POST' }), /^403 .*updates\/write/)
  assert.match(await ask(await bearer({ scp: 'openid' })), /^403 .*user_impersonation/)
})

test('tokens of a real issuer open the server, with each algorithm', async () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    await using issuer = await startOidcIssuer({ audience: AUDIENCE, alg })
    const ask = createDoor(trust(issuer.url))
    assert.match(await ask(`Bearer ${await issuer.token({ roles: [READER] })}`), /^200 /, alg)
    assert.match(await ask(`Bearer ${await issuer.userToken('ana', { roles: [READER] })}`), /^200 /, alg)
    assert.match(await ask(`Bearer ${await issuer.token()}`), /^404 /, alg)
  }
})

test('a real issuer may change its key, hang and go away', async () => {
  await using issuer = await startOidcIssuer({ audience: AUDIENCE })
  const clock = { aheadMs: 0 }
  const ask = createDoor(trust(issuer.url, { now: () => Date.now() + clock.aheadMs }))
  const roles = [READER]
  const first = await issuer.token({ roles })
  assert.match(await ask(`Bearer ${first}`), /^200 /)

  await issuer.rotateKey()
  clock.aheadMs += 11_000
  const second = await issuer.token({ roles })
  assert.match(await ask(`Bearer ${second}`), /^200 /)
  const third = await issuer.token({ roles })
  await issuer.rotateKey()
  const unknown = await issuer.token({ roles })

  await issuer.stop()
  clock.aheadMs += 11_000
  assert.match(await ask(`Bearer ${unknown}`), /^503 .*Try again later/)
  assert.match(await ask(`Bearer ${third}`), /^200 /, 'its key is known')
  assert.match(await ask(`Bearer ${second}`), /^200 /, 'it was seen before')
  assert.match(await ask('Bearer secret'), /^401 /)
})

test('a request for a token of a hanging issuer ends, and the tokens of others are not held up', async () => {
  await using hanging = await startOidcIssuer({ audience: AUDIENCE })
  await using other = await startOidcIssuer({ audience: AUDIENCE })
  const token = await hanging.token({ roles: [READER] })
  hanging.hang()
  const ask = createDoor([...trust(hanging.url, { timeoutMs: 300 }), ...trust(other.url)])
  const waiting = ask(`Bearer ${token}`)
  assert.match(await ask(`Bearer ${await other.token({ roles: [READER] })}`), /^200 /)
  assert.match(await waiting, /^503 /)
})

test('each issuer gives roles in its own instances only', async () => {
  await using source = await startSource()
  const [a, b] = [await publishIssuer(source, { path: '/a' }), await publishIssuer(source, { path: '/b' })]
  const folder = await mkdtemp(join(tmpdir(), 'aduana-states-'))
  after(() => rm(folder, { recursive: true }))
  const local = await openLocalIssuer({ folder })
  const ask = createDoor([...trust(`${a.issuer}=blue`), ...trust(b.issuer), local])
  const opens = async (token: string) => {
    const answers = await Promise.all(INSTANCES.map((instance) => ask(`Bearer ${token}`, { instance })))
    return answers.map((answer) => answer.slice(0, 3))
  }
  const claims = { aud: AUDIENCE, roles: [READER], instances: ['green'] }
  assert.deepEqual(await opens(await a.sign(claims)), ['200', '404'])
  assert.deepEqual(await opens(await b.sign(claims)), ['200', '200'])
  const grant = { subject: 'local', role: roleNamed(READER)!, instances: ['green'], minutes: 5 }
  assert.deepEqual(await opens(await local.issue(grant)), ['404', '200'])
  assert.deepEqual(await opens(await a.sign({ ...claims, iss: b.issuer })), ['401', '401'])
  assert.deepEqual(await opens(await a.sign({ ...claims, iss: local.issuer })), ['401', '401'])
})

test('Entra ID: tokens of both versions pass, each with the keys of its version', async () => {
  const tenant = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490'
  const origin = 'https://login.microsoftonline.com'
  await using source = await startSource()
  const v2 = await publishIssuer(source, { alg: 'RS256', origin, path: `/${tenant}/v2.0` })
  const v1Issuer = `https://sts.windows.net/${tenant}/`
  const v1 = await publishIssuer(source, { alg: 'RS256', origin, path: `/${tenant}`, issuer: v1Issuer })
  const toSource: typeof askIssuer = (url, signal) =>
    askIssuer(url.replace(origin, `http://127.0.0.1:${source.port}`), signal)
  const apiId = '6e74172b-be56-4843-9ff4-e66a39bb12e3'
  const appId = '75dbe77f-10a3-4e59-85fd-8c127544f17c'
  const oid = '690222be-ff1a-4d56-abd1-7e4f7d38e474'
  const issuers = trust(`${origin}/${tenant}/v2.0`, { audiences: [`api://${apiId}`, apiId], ask: toSource })
  const assigned: RoleAssignment = {
    role: roleNamed('DeviceUpdateContentAdministrator')!,
    issuer: `${origin}/${tenant}/v2.0`,
    instances: ['blue'],
    subjects: [],
    applications: [appId],
    groups: ['g1'],
  }
  const ask = createDoor(issuers, () => [assigned])
  const post = (token: string) => ask(`Bearer ${token}`, { method: 'POST' })

  const base = { tid: tenant, oid, nbf: 1_700_000_000, roles: ['DeviceUpdateAdministrator'] }
  const user1 = { ...base, ver: '1.0', aud: `api://${apiId}`, appid: appId, sub: 'pairwise', scp: 'user_impersonation' }
  const user2 = { ...base, ver: '2.0', aud: apiId, azp: appId, sub: 'pairwise', scp: 'user_impersonation' }
  const app1 = { ...base, ver: '1.0', aud: `api://${apiId}`, appid: appId, sub: oid }
  const app2 = { ...base, ver: '2.0', aud: apiId, azp: appId, sub: oid }
  for (const claims of [user1, app1]) assert.match(await post(await v1.sign(claims)), /^200 /)
  for (const claims of [user2, app2]) assert.match(await post(await v2.sign(claims)), /^200 /)
  const issuerOf = (token: string) => createTokenVerifier({ issuers })(token)
  assert.deepEqual((await issuerOf(await v1.sign(user1))).issuer, (await issuerOf(await v2.sign(user2))).issuer)

  const without = { roles: [] }
  assert.match(await post(await v1.sign({ ...app1, ...without })), /^200 /, 'application by assignment')
  assert.match(await post(await v2.sign({ ...app2, ...without })), /^200 /, 'application by assignment')
  assert.match(await post(await v2.sign({ ...user2, ...without, groups: ['g1'] })), /^200 /, 'group by assignment')
  assert.match(await post(await v2.sign({ ...user2, ...without })), /^404 /, 'a user of that application')
  assert.match(await post(await v1.sign({ ...user1, scp: 'User.Read' })), /^403 .*user_impersonation/)
  const { azp, ...noClient } = app2
  assert.match(await post(await v2.sign(noClient)), /^401 .*ID token/)
  assert.match(await post(await v2.sign({ ...user1, iss: v1.issuer })), /^401 .*not signed with a key/)
  const elsewhere = v2.issuer.replace(tenant, '9188040d-6c67-4c5b-b112-36a304b66dad')
  assert.match(await post(await v2.sign({ ...user2, iss: elsewhere })), /^401 .*does not trust/)
})

test('Keycloak: realm roles, client roles and service accounts pass, its ID tokens do not', async () => {
  await using source = await startSource()
  const realm = await publishIssuer(source, { alg: 'PS256', path: '/realms/factory' })
  const ask = createDoor(trust(realm.issuer, { audiences: ['aduana'] }))
  const user = { typ: 'Bearer', aud: ['aduana', 'account'], azp: 'portal', scope: 'openid profile email', sid: 's' }
  const roles = [READER, 'offline_access']
  const answer = async (claims: JWTPayload) => ask(`Bearer ${await realm.sign(claims)}`)
  assert.match(await answer({ ...user, realm_access: { roles } }), /^200 /)
  assert.match(await answer({ ...user, resource_access: { aduana: { roles } } }), /^200 /)
  assert.match(await answer({ ...user, resource_access: { account: { roles } } }), /^404 /)
  assert.match(await answer({ ...user, aud: 'account', realm_access: { roles } }), /^401 .*audience/)
  assert.match(await answer({ ...user, typ: 'ID', aud: 'aduana', realm_access: { roles } }), /^401 .*ID token/)
})

test('a change of the assignments takes effect for a token that was seen before', async () => {
  await using issuer = await startOidcIssuer({ audience: AUDIENCE })
  const folder = await mkdtemp(join(tmpdir(), 'aduana-states-'))
  after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'assignments.json')
  const write = (role: string, who: object) =>
    writeFile(path, JSON.stringify({ assignments: [{ role, instances: ['green'], ...who }] }))
  await write(READER, { applications: ['ci'] })
  const assignable = { issuers: issuerNames([parseOidcIssuer(issuer.url)]), instances: new Set(INSTANCES) }
  const file = await openAssignmentsFile({ path, assignable, everyMs: 5, log })
  after(() => file.close())
  const ask = createDoor(trust(issuer.url), file.current)
  const authorization = `Bearer ${await issuer.token()}`
  const answers = async (status: string, options: object) => {
    for (let tries = 0; tries < 200; tries += 1) {
      if ((await ask(authorization, options)).startsWith(status)) return true
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return false
  }

  assert.match(await ask(authorization, { instance: 'green' }), /^200 /)
  assert.match(await ask(authorization, { instance: 'blue' }), /^404 /)
  assert.match(await ask(authorization, { instance: 'green', method: 'POST' }), /^403 /)
  await write('DeviceUpdateContentAdministrator', { applications: ['ci'] })
  assert.ok(await answers('200', { instance: 'green', method: 'POST' }))
  await write(READER, { subjects: ['somebody else'] })
  assert.ok(await answers('404', { instance: 'green' }))
})
