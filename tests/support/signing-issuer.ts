import { randomUUID } from 'node:crypto'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { type MisbehavingSource, serveBytes } from './misbehaving-source.ts'

/** An issuer that a test makes up: two documents on a source, and whatever tokens it likes. */
export interface SigningIssuer {
  issuer: string
  discoveryUrl: string
  /** Where its two documents are on the source. */
  paths: { discovery: string; keys: string }
  /** A signed token: good for five minutes and naming the issuer and a subject unless the claims say otherwise. */
  sign(claims: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** Publishes a new key in place of the old ones and signs with it. */
  rotateKey(): Promise<void>
  publish(document: { discovery?: object; keys?: object }): void
}

/**
 * Lets `source` describe an issuer under `path`. `origin` is where its clients believe the source to be, for issuers
 * whose address is fixed; `issuer` is what tokens and the description call it.
 */
export async function publishIssuer(
  source: MisbehavingSource,
  {
    alg = 'ES256',
    path = '',
    origin = `http://127.0.0.1:${source.port}`,
    issuer = `${origin}${path}`,
  }: { alg?: string; path?: string; origin?: string; issuer?: string } = {},
): Promise<SigningIssuer> {
  const paths = { discovery: `${path}/.well-known/openid-configuration`, keys: `${path}/keys` }
  let key = await makeKey(alg)

  function publish({ discovery = {}, keys }: { discovery?: object; keys?: object }): void {
    const document = {
      issuer,
      jwks_uri: `${origin}${paths.keys}`,
      authorization_endpoint: `${origin}${path}/authorize`,
      token_endpoint: `${origin}${path}/token`,
      ...discovery,
    }
    source.at(paths.discovery, serveBytes(Buffer.from(JSON.stringify(document))))
    source.at(paths.keys, serveBytes(Buffer.from(JSON.stringify(keys ?? { keys: [key.publicJwk] }))))
  }
  publish({})

  return {
    issuer,
    discoveryUrl: `${origin}${paths.discovery}`,
    paths,
    publish,
    sign(claims, header) {
      const now = Math.floor(Date.now() / 1000)
      return new SignJWT({ iss: issuer, sub: 'ana', iat: now, exp: now + 300, ...claims })
        .setProtectedHeader({ alg, typ: 'JWT', kid: key.publicJwk.kid!, ...header })
        .sign(key.privateKey)
    },
    async rotateKey() {
      key = await makeKey(alg)
      publish({})
    },
  }
}

async function makeKey(alg: string): Promise<{ privateKey: CryptoKey; publicJwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  // Without "alg", as Entra ID publishes its keys.
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid: randomUUID(), use: 'sig' } }
}
