import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { createLocalJWKSet, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { permissionsIn, roleNamed } from '../../domain/permissions.ts'
import type { RoleAssignment } from '../../domain/role-assignments.ts'
import { createTokenVerifier, type TrustedIssuer } from './token-verifier.ts'

const AUDIENCE = 'https://api.adu.microsoft.com'
const SECOND = 1_800_000_000
const pair = await generateKeyPair('ES256', { extractable: true })
const publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }
const issuer: TrustedIssuer = {
  issuer: 'urn:example:issuer',
  keys: createLocalJWKSet({ keys: [publicJwk] }),
  audiences: [AUDIENCE],
}
const claims: JWTPayload = {
  iss: issuer.issuer,
  aud: AUDIENCE,
  sub: 'ana',
  nbf: SECOND,
  exp: SECOND + 60,
  roles: ['Device Update Reader'],
  instances: ['default'],
}

/** A verifier whose clock can be set, in seconds since 1970. */
function verifierAt(second: number, options: { clockToleranceSeconds?: number; issuers?: TrustedIssuer[] } = {}) {
  const clock = { second }
  const verify = createTokenVerifier({ issuers: [issuer], ...options, now: () => clock.second * 1000 })
  return { verify, clock }
}

function sign(payload: JWTPayload, { key = pair.privateKey, alg = 'ES256', kid = 'one' } = {}): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key)
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

async function assertRefused(token: string, message: RegExp): Promise<void> {
  const { verify } = verifierAt(SECOND + 1)
  await assert.rejects(
    async () => verify(token),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'Unauthenticated')
      assert.match(error.message, message)
      for (const part of token.split('.'))
        assert.ok(part === '' || !error.message.includes(part), 'the token is repeated')
      return true
    },
  )
}

test('a good token tells who calls, from which issuer, and what it may do', async () => {
  const { verify } = verifierAt(SECOND + 1)
  const principal = await verify(await sign(claims))
  assert.equal(principal.subject, 'ana')
  assert.equal(principal.issuer, 'urn:example:issuer')
  assert.deepEqual([...permissionsIn(principal, 'default')].toSorted(), ['management/read', 'updates/read'])
  assert.equal(permissionsIn(principal, 'other').size, 0)
})

test('the audience may have a final slash or not, in the token and in the setting', async () => {
  for (const audience of [AUDIENCE, `${AUDIENCE}/`]) {
    const { verify } = verifierAt(SECOND, { issuers: [{ ...issuer, audiences: [audience] }] })
    for (const aud of [AUDIENCE, `${AUDIENCE}/`, ['other', AUDIENCE]]) {
      assert.equal((await verify(await sign({ ...claims, aud }))).subject, 'ana')
    }
  }
})

test('RSA, RSA-PSS and Ed25519 signatures are accepted as well', async () => {
  for (const alg of ['RS256', 'PS256', 'EdDSA']) {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg }] })
    const { verify } = verifierAt(SECOND, { issuers: [{ ...issuer, keys }] })
    assert.equal((await verify(await sign(claims, { key: privateKey, alg }))).subject, 'ana', alg)
  }
})

test('roles of an issuer with instances of its own hold in these, whatever the token says', async () => {
  const { verify } = verifierAt(SECOND, { issuers: [{ ...issuer, instances: ['theirs'] }] })
  const principal = await verify(await sign(claims))
  assert.equal(permissionsIn(principal, 'theirs').size, 2)
  assert.equal(permissionsIn(principal, 'default').size, 0)
})

test('of several issuers each vouches with its own keys only', async () => {
  const foreign = await generateKeyPair('ES256')
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(foreign.publicKey)), kid: 'one' }] })
  const other: TrustedIssuer = { ...issuer, issuer: 'urn:example:other', keys, audiences: ['urn:example:us'] }
  const { verify } = verifierAt(SECOND, { issuers: [issuer, other] })
  const theirs = { ...claims, iss: other.issuer, aud: 'urn:example:us' }
  assert.equal((await verify(await sign(theirs, { key: foreign.privateKey }))).issuer, 'urn:example:other')
  await assert.rejects(async () => verify(await sign(theirs)), { code: 'Unauthenticated' })
  await assert.rejects(async () => verify(await sign({ ...theirs, aud: AUDIENCE }, { key: foreign.privateKey })), {
    code: 'Unauthenticated',
  })
})

test('an issuer that stands twice is refused, since only one of its entries would count', () => {
  const issuers = [issuer, { ...issuer, instances: ['theirs'] }]
  assert.throws(() => createTokenVerifier({ issuers }), /urn:example:issuer stands twice/)
})

test('an issuer may have a name of its own, by which assignments know it', async () => {
  const role = roleNamed('Device Update Content Reader')!
  const assignment = { role, issuer: 'ours', instances: ['default'], subjects: ['ana'], applications: [], groups: [] }
  const verify = createTokenVerifier({
    issuers: [{ ...issuer, name: 'ours' }],
    assignments: () => [assignment, { ...assignment, issuer: issuer.issuer }],
    now: () => SECOND * 1000,
  })
  const grants = [{ role, instance: 'default' }]
  assert.deepEqual(await verify(await sign({ ...claims, roles: [] })), { subject: 'ana', issuer: 'ours', grants })
})

test('other assignments take effect at once, also for a token seen before', async () => {
  const role = roleNamed('Device Update Content Reader')!
  const given: RoleAssignment[] = [
    { role, issuer: issuer.issuer, instances: ['default'], subjects: ['ana'], applications: [], groups: [] },
  ]
  let assignments: RoleAssignment[] = []
  const verify = createTokenVerifier({ issuers: [issuer], assignments: () => assignments, now: () => SECOND * 1000 })
  const token = await sign({ ...claims, roles: [] })
  const permissions = async () => [...permissionsIn(await verify(token), 'default')]
  assert.deepEqual(await permissions(), [])
  assignments = given
  assert.deepEqual(await permissions(), ['updates/read'])
  assert.equal(verify(token), verify(token), 'and it is remembered again')
  assignments = []
  assert.deepEqual(await permissions(), [])
})

test('a signed token of another type than an access token is refused', async () => {
  for (const typ of ['logout+jwt', 'dpop+jwt', 'jwtx']) {
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one', typ }).sign(pair.privateKey)
    await assertRefused(token, /is of the type .*, but must be an access token/)
  }
})

test('roles that nobody knows, and claims of another form, give no permission', async () => {
  for (const strange of [
    { roles: ['Owner', 7, null] },
    { roles: 'Device Update Reader' },
    { roles: undefined },
    { instances: undefined },
    { instances: 'default' },
  ]) {
    const { verify } = verifierAt(SECOND)
    const principal = await verify(await sign({ ...claims, ...strange }))
    assert.equal(permissionsIn(principal, 'default').size, 0, JSON.stringify(strange))
  }
})

test('what is no JWT is refused', async () => {
  const good = await sign(claims)
  const [header, payload, signature] = good.split('.')
  for (const token of [
    '',
    'secret',
    `${header}.${payload}`,
    `${good}.x`,
    `${good}.x.y`,
    `${header}.!!!.${signature}`,
    `${header}.${encode('text')}.${signature}`,
    `${header}.${Buffer.from('{"iss":').toString('base64url')}.${signature}`,
    `!!!.${payload}.${signature}`,
  ]) {
    await assertRefused(token, /^The bearer token is not a well-formed JWT\.$/)
  }
})

test('a token without issuer, audience, end or subject is refused, and the claim is named', async () => {
  const lacking = {
    iss: /no issuer/,
    aud: /lacks the claim "aud"/,
    exp: /lacks the claim "exp"/,
    sub: /lacks the claim "sub"/,
  }
  for (const [claim, message] of Object.entries(lacking)) {
    await assertRefused(await sign({ ...claims, [claim]: undefined }), message)
  }
  await assertRefused(await sign({ ...claims, sub: 7 } as unknown as JWTPayload), /claim "sub"/)
  await assertRefused(await sign({ ...claims, iss: 7 } as unknown as JWTPayload), /no issuer/)
  await assertRefused(
    await sign({ ...claims, exp: 'later' } as unknown as JWTPayload),
    /claim "exp" of the token is not valid/,
  )
})

test('an expired token is refused with the moment it expired', async () => {
  await assertRefused(await sign({ ...claims, exp: SECOND - 60 }), /expired at 2027-01-15T07:59:00\.000Z/)
  await assertRefused(await sign({ ...claims, exp: -1e300 }), /expired at second -1e\+300/)
})

test('a token that is not valid yet is refused with the moment it will be', async () => {
  await assertRefused(await sign({ ...claims, nbf: SECOND + 30 }), /not valid before 2027-01-15T08:00:30\.000Z/)
})

test('the clock tolerance holds at both ends', async () => {
  const token = await sign(claims)
  for (const second of [SECOND - 5, SECOND + 64]) {
    const { verify } = verifierAt(second, { clockToleranceSeconds: 5 })
    assert.equal((await verify(token)).subject, 'ana')
  }
  for (const second of [SECOND - 6, SECOND + 65]) {
    const { verify } = verifierAt(second, { clockToleranceSeconds: 5 })
    await assert.rejects(async () => verify(token), { code: 'Unauthenticated' })
  }
})

test('a token for another audience or from an unknown issuer is refused, and both are named', async () => {
  await assertRefused(
    await sign({ ...claims, aud: 'https://management.azure.com' }),
    /audience "https:\/\/management\.azure\.com", but must be for https:\/\/api\.adu\.microsoft\.com/,
  )
  await assertRefused(await sign({ ...claims, iss: 'urn:evil' }), /issuer "urn:evil", which this server does not trust/)
  await assertRefused(await sign({ ...claims, iss: 'x'.repeat(5000) }), /^.{1,300}$/)
})

test('a token signed with another key, or changed after signing, is refused', async () => {
  const other = await generateKeyPair('ES256')
  await assertRefused(await sign(claims, { key: other.privateKey }), /not signed with a key of the issuer/)
  await assertRefused(await sign(claims, { key: other.privateKey, kid: 'two' }), /not signed with a key of the issuer/)
  const [header, , signature] = (await sign(claims)).split('.')
  const widened = encode({ ...claims, roles: ['Device Update Administrator'] })
  await assertRefused(`${header}.${widened}.${signature}`, /not signed with a key of the issuer/)
})

test('unsigned tokens and tokens signed with the public key as a secret are refused', async () => {
  const unsigned = `${encode({ alg: 'none' })}.${encode(claims)}.`
  await assertRefused(unsigned, /signed in a way that is not accepted/)
  const head = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(claims)}`
  for (const secret of [await exportSPKI(pair.publicKey), JSON.stringify(publicJwk), publicJwk.x!]) {
    const forged = `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
    await assertRefused(forged, /signed in a way that is not accepted/)
  }
})

test('a token seen before is answered at once, and no longer when it has expired', async () => {
  const { verify, clock } = verifierAt(SECOND + 1)
  const token = await sign(claims)
  const first = verify(token)
  assert.ok(first instanceof Promise)
  assert.equal(verify(token) instanceof Promise, true, 'nothing is remembered before it is checked')
  await first
  assert.equal(verify(token), await first)
  clock.second = SECOND + 59.9
  assert.equal(verify(token), await first)
  clock.second = SECOND + 60
  await assert.rejects(async () => verify(token), { code: 'Unauthenticated', message: /expired at/ })
})

test('a refused token is not remembered as good', async () => {
  const { verify, clock } = verifierAt(SECOND - 1)
  const token = await sign(claims)
  await assert.rejects(async () => verify(token), /not valid before/)
  await assert.rejects(async () => verify(token), /not valid before/)
  clock.second = SECOND
  assert.equal((await verify(token)).subject, 'ana')
})

test('the memory for tokens is bounded: the oldest is forgotten', async () => {
  const { verify } = verifierAt(SECOND)
  const tokens = await Promise.all(Array.from({ length: 1001 }, (_, n) => sign({ ...claims, jti: String(n) })))
  for (const token of tokens) await verify(token)
  assert.ok(verify(tokens[0]!) instanceof Promise)
  assert.ok(!(verify(tokens[1000]!) instanceof Promise))
})

test('keys that cannot be fetched are not blamed on the token', async () => {
  const failure = new TypeError('fetch failed')
  const keys = () => Promise.reject(failure)
  const { verify } = verifierAt(SECOND, { issuers: [{ ...issuer, keys }] })
  const token = await sign(claims)
  await assert.rejects(async () => verify(token), failure)
})
