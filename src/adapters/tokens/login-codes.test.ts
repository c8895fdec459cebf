import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { roleNamed } from '../../domain/permissions.ts'
import { openLocalIssuer } from './local-issuer.ts'
import { openLoginCodes, redeemLoginCode } from './login-codes.ts'

const role = roleNamed('Device Update Reader')!
const grant = { role, instances: ['blue', 'green'], minutes: 30 }
const MINUTE_MS = 60_000

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-login-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('a code has 256 bits, and only its hash is kept, in a file that only the owner may read', async (t) => {
  const folder = await temporaryFolder(t)
  const codes = openLoginCodes({ folder })
  const code = await codes.make(grant)
  assert.match(code, /^[A-Za-z0-9_-]{43}$/)
  assert.notEqual(await codes.make(grant), code)

  const name = `${createHash('sha256').update(code).digest('hex')}.json`
  const names = await readdir(join(folder, 'login-codes'))
  assert.equal(names.length, 2)
  assert.ok(names.includes(name))
  const path = join(folder, 'login-codes', name)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.equal((await stat(join(folder, 'login-codes'))).mode & 0o777, 0o700)
  const text = await readFile(path, 'utf8')
  assert.ok(!text.includes(code))
  const { expiresAt, ...rest } = JSON.parse(text)
  assert.deepEqual(rest, { format: 1, role: 'Device Update Reader', instances: ['blue', 'green'], minutes: 30 })
})

test('a code is good once, for another process too, and then its file is gone', async (t) => {
  const folder = await temporaryFolder(t)
  const code = await openLoginCodes({ folder }).make(grant)
  const codes = openLoginCodes({ folder })
  assert.equal(await codes.claim('x'), undefined)
  assert.equal(await codes.claim(`${code.slice(0, -1)}!`), undefined)
  assert.deepEqual(await codes.claim(code), grant)
  assert.equal(await codes.claim(code), undefined)
  assert.deepEqual(await readdir(join(folder, 'login-codes')), [])
})

test('where no code was ever made, none is good', async (t) => {
  assert.equal(await openLoginCodes({ folder: await temporaryFolder(t) }).claim('x'), undefined)
})

test('a code is good for ten minutes and not a moment longer', async (t) => {
  const folder = await temporaryFolder(t)
  let now = Date.now()
  const codes = openLoginCodes({ folder, now: () => now })
  const [early, late] = [await codes.make(grant), await codes.make(grant)]
  now += 10 * MINUTE_MS - 1
  assert.deepEqual(await codes.claim(early), grant)
  now += 1
  assert.equal(await codes.claim(late), undefined)
  now -= 5 * MINUTE_MS
  assert.equal(await codes.claim(late), undefined, 'it was claimed, if in vain')
})

test('of requests that race for a code one gets a token', async (t) => {
  const folder = await temporaryFolder(t)
  const issuer = await openLocalIssuer({ folder })
  const maker = openLoginCodes({ folder })
  for (let round = 0; round < 20; round += 1) {
    const code = await maker.make(grant)
    const racers = Array.from({ length: 8 }, () => openLoginCodes({ folder }))
    const answers = await Promise.all(racers.map((codes) => redeemLoginCode(code, { codes, issuer })))
    assert.equal(answers.filter((answer) => answer !== undefined).length, 1)
  }
})

test('the token has the role, the instances and the minutes that the code was made with', async (t) => {
  const folder = await temporaryFolder(t)
  const issuer = await openLocalIssuer({ folder })
  const codes = openLoginCodes({ folder })
  const signedIn = await redeemLoginCode(await codes.make(grant), { codes, issuer })
  const { accessToken = '', ...rest } = signedIn ?? {}
  const { exp = 0, iat = 0, roles, instances, sub } = decodeJwt(accessToken)
  assert.deepEqual({ roles, instances, sub }, { roles: [role.name], instances: ['blue', 'green'], sub: 'local' })
  assert.equal(exp - iat, 30 * 60)
  assert.deepEqual(rest, {
    expiresAt: exp * 1000,
    subject: 'local',
    issuer: issuer.issuer,
    role: role.name,
    instances: ['blue', 'green'],
  })
})

test('what is older than ten minutes is deleted by whoever makes or claims a code', async (t) => {
  const folder = await temporaryFolder(t)
  const codes = openLoginCodes({ folder })
  await codes.make(grant)
  const leftover = join(folder, 'login-codes', '0a1b.json.01234567.tmp')
  const makeOld = async () => {
    await writeFile(leftover, '')
    const before = new Date(Date.now() - 11 * MINUTE_MS)
    for (const name of await readdir(join(folder, 'login-codes'))) {
      await utimes(join(folder, 'login-codes', name), before, before)
    }
  }
  await makeOld()
  const code = await codes.make(grant)
  assert.equal((await readdir(join(folder, 'login-codes'))).length, 1)
  await makeOld()
  assert.deepEqual(await codes.claim(code), grant)
  assert.deepEqual(await readdir(join(folder, 'login-codes')), [])
})
