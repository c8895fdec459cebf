import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { createLocalJWKSet, type JWK } from 'jose'
import { createTokenVerifier } from '../../src/adapters/tokens/token-verifier.ts'
import type { Json } from '../support/import-manifests.ts'
import { jsonTexts } from './json-texts.ts'

const AUDIENCE = 'https://aduana.example'
const ISSUER = 'https://issuer.example'
/** Long enough for any run. */
const EXPIRY = Math.floor(Date.now() / 1000) + 86_400

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256' } as JWK

/** The verifier of the server, with one issuer whose key these tokens are signed with. */
export const verify = createTokenVerifier({
  issuers: [{ issuer: ISSUER, keys: createLocalJWKSet({ keys: [publicJwk] }), audiences: [AUDIENCE] }],
})

export interface TokenInput {
  token: string
  /** Whether the issuer has signed this very text. */
  isSigned: boolean
}

const common = { iss: ISSUER, aud: AUDIENCE, sub: 'ana', exp: EXPIRY }
const claims = fc.constantFrom<Json[]>(
  { ...common, roles: ['DeviceUpdateReader', 'Device Update Administrator'], instances: ['default', '*'] },
  { ...common, tid: 'tenant', oid: 'object', appid: 'app', scp: 'user_impersonation', groups: ['a'], ver: '1.0' },
  { ...common, tid: 'tenant', oid: 'object', azp: 'app', idtyp: 'app', roles: ['DeviceUpdateReader'], ver: '2.0' },
  {
    ...common,
    typ: 'Bearer',
    azp: 'app',
    preferred_username: 'service-account-app',
    client_id: 'app',
    realm_access: { roles: ['DeviceUpdateReader'] },
    resource_access: { [AUDIENCE]: { roles: ['DeviceUpdateReader'] } },
    instances: ['default'],
  },
)
const headers = fc.oneof(
  { weight: 4, arbitrary: fc.constant('{"alg":"ES256","typ":"JWT","kid":"one"}') },
  {
    weight: 2,
    arbitrary: jsonTexts(
      fc.constant<Json>({
        alg: 'ES256',
        typ: 'at+jwt',
        kid: 'one',
        crit: ['b64'],
        b64: true,
        jwk: { kty: 'EC' },
        x5c: ['a'],
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('none', 'None', 'HS256', 'ES512', 'RS256', '')
      .map((alg) => JSON.stringify({ alg, kid: 'one' })),
  },
)
/** A header of HTTP has 16 KiB at most, so no longer token ever comes. */
const TOKEN_LENGTH_MAX = 16_384
const encode = (text: string) => Buffer.from(text).toString('base64url')

const signed: fc.Arbitrary<TokenInput> = fc.tuple(headers, jsonTexts(claims)).map(([header, payload]) => {
  const text = `${encode(header)}.${encode(payload)}`
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return { token: `${text}.${signature.toString('base64url')}`, isSigned: true }
})

const changed = fc
  .record({ input: signed, at: fc.nat(), to: fc.constantFrom(...'AZaz09-_.=') })
  .map(({ input: { token }, at, to }) => {
    const place = at % token.length
    const other = token.slice(0, place) + to + token.slice(place + 1)
    return { token: other, isSigned: isSame(other, token) }
  })

const unsigned = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.base64String({ maxLength: 40 }), { maxLength: 6 }).map((parts) => parts.join('.')),
    fc
      .tuple(headers, jsonTexts(claims), fc.base64String({ maxLength: 90 }))
      .map(([header, payload, signature]) => `${encode(header)}.${encode(payload)}.${signature}`),
  )
  .map((token) => ({ token, isSigned: false }))

/** Tokens with good and bad signatures over good and bad claims, and texts that are no tokens. */
export const tokens: fc.Arbitrary<TokenInput> = fc
  .oneof({ weight: 5, arbitrary: signed }, { weight: 2, arbitrary: changed }, { weight: 2, arbitrary: unsigned })
  .filter(({ token }) => token.length <= TOKEN_LENGTH_MAX)

/** Whether two tokens have the same meaning: the last letter of a signature has bits that stand for nothing. */
function isSame(token: string, other: string): boolean {
  const [text, signature] = parted(token)
  const [otherText, otherSignature] = parted(other)
  return text === otherText && Buffer.from(signature, 'base64url').equals(Buffer.from(otherSignature, 'base64url'))
}

function parted(token: string): [string, string] {
  const dot = token.lastIndexOf('.')
  return [token.slice(0, dot), token.slice(dot + 1)]
}
