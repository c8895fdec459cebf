import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { permissionsIn, roleNamed } from '../../domain/permissions.ts'
import { openLocalIssuer } from './local-issuer.ts'
import { createTokenVerifier } from './token-verifier.ts'

const role = roleNamed('Device Update Reader')!
const grant = { subject: 'ana', role, instances: ['default'], minutes: 60 }

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-issuer-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('the first opening makes an installation and a key that only the owner may read', async (t) => {
  const folder = await temporaryFolder(t)
  const { issuer } = await openLocalIssuer({ folder: join(folder, 'data') })
  const [installationPath, keyPath] = [
    join(folder, 'data/installation.json'),
    join(folder, 'data/keys/issuer.jwk.json'),
  ]

  const installation = JSON.parse(await readFile(installationPath, 'utf8'))
  assert.deepEqual(installation, { format: 1, installation: issuer.slice('urn:aduana:'.length) })
  const key = JSON.parse(await readFile(keyPath, 'utf8'))
  assert.equal(key.kid, await calculateJwkThumbprint(key))
  assert.equal((await stat(keyPath)).mode & 0o777, 0o600)
  assert.equal((await stat(join(folder, 'data/keys'))).mode & 0o777, 0o700)
  assert.deepEqual(await readdir(join(folder, 'data/keys')), ['issuer.jwk.json'])
  assert.deepEqual((await readdir(join(folder, 'data'))).toSorted(), ['installation.json', 'keys'])
})

test('a token says who may do what, where and until when', async (t) => {
  const folder = await temporaryFolder(t)
  const issuer = await openLocalIssuer({ folder, now: () => 1_800_000_000_900 })
  const token = await issuer.issue({ ...grant, instances: ['one', 'two'], minutes: 1.5 })
  const { jti, ...claims } = decodeJwt(token)
  assert.deepEqual(claims, {
    iss: issuer.issuer,
    aud: 'https://api.adu.microsoft.com',
    sub: 'ana',
    iat: 1_800_000_000,
    nbf: 1_800_000_000,
    exp: 1_800_000_090,
    roles: ['Device Update Reader'],
    instances: ['one', 'two'],
    ver: '1.0',
  })
  assert.notEqual(jti, decodeJwt(await issuer.issue(grant)).jti)
  const { kid } = JSON.parse(await readFile(join(folder, 'keys/issuer.jwk.json'), 'utf8'))
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'ES256', typ: 'JWT', kid })
})

test('a token opens the instances it names to a server that trusts the issuer', async (t) => {
  const folder = await temporaryFolder(t)
  const verify = createTokenVerifier({ issuers: [await openLocalIssuer({ folder })] })
  const principal = await verify(await (await openLocalIssuer({ folder })).issue(grant))
  assert.equal(principal.subject, 'ana')
  assert.deepEqual(permissionsIn(principal, 'default'), role.permissions)
  assert.equal(permissionsIn(principal, 'other').size, 0)
})

test('processes that make the issuer at the same time end up with one', async (t) => {
  const folder = await temporaryFolder(t)
  const program = `
    import { openLocalIssuer } from ${JSON.stringify(import.meta.resolve('./local-issuer.ts'))}
    import { roleNamed } from ${JSON.stringify(import.meta.resolve('../../domain/permissions.ts'))}
    const issuers = await Promise.all(Array.from({ length: 4 }, () => openLocalIssuer({ folder: process.argv[1] })))
    const grant = { subject: 'ana', role: roleNamed('Device Update Reader'), instances: ['default'], minutes: 5 }
    console.log(JSON.stringify(await Promise.all(issuers.map((issuer) => issuer.issue(grant)))))
  `
  const run = promisify(execFile)
  const outputs = await Promise.all(
    Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '--eval', program, folder])),
  )
  const tokens = outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[])
  assert.equal(tokens.length, 16)
  const { issuer, keys } = await openLocalIssuer({ folder })
  for (const token of tokens) await jwtVerify(token, keys, { issuer })
  assert.deepEqual(await readdir(join(folder, 'keys')), ['issuer.jwk.json'])
})

test('a file that is not what it should be is reported by name, and left as it is', async (t) => {
  const { d, ...publicKey } = JSON.parse(await freshKey(t))
  const damaged = {
    'installation.json': ['', 'null', '{}', '{"format":2,"installation":"4f2f7bd5-60a4-4ad5-a5d8-3ed5a1dbe4a3"}'],
    'keys/issuer.jwk.json': [
      '',
      '[]',
      '{"kty":"oct","k":"c2VjcmV0"}',
      JSON.stringify(publicKey),
      JSON.stringify({ d }),
    ],
  }
  for (const [name, contents] of Object.entries(damaged)) {
    for (const content of contents) {
      const folder = await temporaryFolder(t)
      await openLocalIssuer({ folder })
      await writeFile(join(folder, name), content)
      await assert.rejects(openLocalIssuer({ folder }), { message: new RegExp(`${name} (does not|has no).*estore`) })
      assert.equal(await readFile(join(folder, name), 'utf8'), content)
    }
  }
})

async function freshKey(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t)
  await openLocalIssuer({ folder })
  return await readFile(join(folder, 'keys/issuer.jwk.json'), 'utf8')
}
