import { randomUUID } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import {
  type CryptoKey,
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose'
import type { Role } from '../../domain/permissions.ts'
import { createFile, makeFolder, readIfThere } from '../filesystem/durable-files.ts'
import type { TrustedIssuer } from './token-verifier.ts'

/** Whom tokens are for (REST API 2022-10-01, authentication): official clients ask for no other audience. */
export const AUDIENCE = 'https://api.adu.microsoft.com'

const INSTALLATION = 'installation.json'
const KEY = join('keys', 'issuer.jwk.json')

/** The issuer that an installation brings along, so that nobody needs another one to begin. */
export interface LocalIssuer extends TrustedIssuer {
  /** Makes a bearer token that gives a role in these instances, from now for so many minutes. */
  issue(grant: { subject: string; role: Role; instances: readonly string[]; minutes: number }): Promise<string>
}

/**
 * Opens the issuer that lives in the data folder `folder`, and makes it if there is none:
 *
 *     folder/
 *     ├─ installation.json        0644   {"format":1,"installation":"<uuid>"}; marks the folder as Aduana's
 *     └─ keys/                    0700
 *        └─ issuer.jwk.json       0600   the private key that signs tokens
 *
 * Any number of processes may do this at the same time, and all get the same issuer. Throws an `Error` that says what
 * to do if one of the files is not what it should be: a new key would make every token worthless without a word.
 */
export async function openLocalIssuer({
  folder,
  now = Date.now,
}: {
  folder: string
  now?: () => number
}): Promise<LocalIssuer> {
  const root = resolve(folder)
  await makeFolder(root, 0o750)
  const issuer = `urn:aduana:${await openInstallation(join(root, INSTALLATION))}`
  const keyPath = join(root, KEY)
  await makeFolder(dirname(keyPath), 0o700)
  const { privateKey, publicJwk } = await openKey(keyPath)

  return {
    issuer,
    keys: createLocalJWKSet({ keys: [publicJwk] }),
    audiences: [AUDIENCE],
    instances: 'claim',

    async issue({ subject, role, instances, minutes }) {
      const issuedAt = Math.floor(now() / 1000)
      return await new SignJWT({ roles: [role.name], instances, ver: '1.0' })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: publicJwk.kid! })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(issuedAt + Math.round(minutes * 60))
        .setJti(randomUUID())
        .sign(privateKey)
    },
  }
}

/** Throws the `Error` that `openLocalIssuer` would throw for what is in the folder, but makes nothing that is missing. */
export async function checkLocalIssuer(folder: string): Promise<void> {
  const installation = join(resolve(folder), INSTALLATION)
  const installationText = await readIfThere(installation)
  if (installationText !== undefined) installationIn(installationText, installation)
  const key = join(resolve(folder), KEY)
  const keyText = await readIfThere(key)
  if (keyText !== undefined) await keyIn(keyText, key)
}

async function openInstallation(path: string): Promise<string> {
  const text = await readOrMake({ path, mode: 0o644, make: () => ({ format: 1, installation: randomUUID() }) })
  return installationIn(text, path)
}

function installationIn(text: string, path: string): string {
  const { format, installation } = parsed(text)
  if (format === 1 && typeof installation === 'string' && /^[0-9a-f-]{36}$/.test(installation)) return installation
  throw new Error(
    `${path} does not describe an installation of this version of Aduana. ` +
      'Name another data folder, or restore the file from a backup.',
  )
}

async function openKey(path: string): Promise<{ privateKey: CryptoKey; publicJwk: JWK }> {
  return await keyIn(await readOrMake({ path, mode: 0o600, make: newKey }), path)
}

async function keyIn(text: string, path: string): Promise<{ privateKey: CryptoKey; publicJwk: JWK }> {
  const { kty, crv, x, y, d, kid } = parsed(text) as JWK
  try {
    if (d === undefined || kid === undefined) throw new TypeError('The members "d" and "kid" are needed.')
    const privateKey = (await importJWK({ kty, crv, x, y, d } as JWK, 'ES256')) as CryptoKey
    return { privateKey, publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } as JWK }
  } catch (error) {
    throw new Error(
      `${path} has no private ES256 key. Restore it from a backup, or delete it: Aduana then makes a new one, ` +
        'and tokens that were issued so far are worth nothing.',
      { cause: error },
    )
  }
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' }
}

/** Whoever makes the file first wins; the others read what is there then. */
async function readOrMake({
  path,
  mode,
  make,
}: {
  path: string
  mode: number
  make: () => object | Promise<object>
}): Promise<string> {
  const found = await readIfThere(path)
  if (found !== undefined) return found
  const content = `${JSON.stringify(await make())}\n`
  if (await createFile({ path, content, mode })) return content
  return (await readIfThere(path)) ?? ''
}

/** The members of a JSON object; none if the text is anything else. */
function parsed(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
