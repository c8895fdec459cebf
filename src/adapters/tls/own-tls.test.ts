import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { hostNamed } from './certificate-hosts.ts'
import { makeAuthority, makeServerCertificate } from './make-certificates.ts'
import { loadOwnTls } from './own-tls.ts'

const DAY_MS = 24 * 60 * 60_000
const hosts = [hostNamed('updates.example.net')]
const madeAt = new Date('2026-01-01T00:00:00Z')
const authorityKey = newKey()
const key = newKey()

let folder = ''
let certPath = ''
let keyPath = ''
let authorityPem = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-own-tls-'))
  authorityPem = await makeAuthority({ key: authorityKey, hosts, now: madeAt })
  const certPem = await makeServerCertificate({ authorityPem, authorityKey, key, hosts, now: madeAt })
  certPath = await put('server.pem', certPem + authorityPem)
  keyPath = await put('server-key.pem', pemOf(key))
})

after(() => rm(folder, { recursive: true }))

test('an own certificate is taken with its chain', async () => {
  const tls = await loadOwnTls({ certPath, keyPath, now: madeAt })
  assert.equal(tls.certPem.match(/BEGIN CERTIFICATE/g)?.length, 2)
  assert.equal(tls.keyPem, pemOf(key))
  assert.equal(tls.caPem, undefined)
  assert.deepEqual(tls.notes, [])
})

test('an own certificate that expires within 30 days is taken with a note, an expired one is refused', async () => {
  const { expiresAt } = await loadOwnTls({ certPath, keyPath, now: madeAt })
  const soon = await loadOwnTls({ certPath, keyPath, now: new Date(expiresAt.getTime() - 29 * DAY_MS) })
  assert.match(soon.notes.join(), /server\.pem \(--tls-cert\) expires on 2027-02-01T.*Renew it/)
  await assert.rejects(loadOwnTls({ certPath, keyPath, now: expiresAt }), /expired on 2027-02-01T.*Renew it/)
})

test('an own certificate that is not valid yet is refused', async () => {
  const now = new Date('2025-12-01T00:00:00Z')
  await assert.rejects(loadOwnTls({ certPath, keyPath, now }), /not valid before 2025-12-31T.*clock/)
})

test('a key of another certificate is refused', async () => {
  const other = await put('other-key.pem', pemOf(newKey()))
  const wrongOrder = await put('chain.pem', authorityPem)
  const refused = { message: /--tls-key\) does not belong to the certificate.*must come first/ }
  await assert.rejects(loadOwnTls({ certPath, keyPath: other, now: madeAt }), refused)
  await assert.rejects(loadOwnTls({ certPath: wrongOrder, keyPath, now: madeAt }), refused)
})

test('files that are missing or something else are refused by name', async () => {
  const text = await put('notes.txt', 'not PEM')
  const locked = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString()
  const lockedPath = await put('locked.pem', locked)
  const absent = join(folder, 'absent.pem')
  const now = madeAt
  await assert.rejects(
    loadOwnTls({ certPath: absent, keyPath, now }),
    /absent\.pem \(--tls-cert\) cannot be read: ENOENT/,
  )
  await assert.rejects(
    loadOwnTls({ certPath, keyPath: absent, now }),
    /absent\.pem \(--tls-key\) cannot be read: ENOENT/,
  )
  await assert.rejects(loadOwnTls({ certPath: text, keyPath, now }), /notes\.txt \(--tls-cert\) is not a certificate/)
  await assert.rejects(loadOwnTls({ certPath, keyPath: text, now }), /notes\.txt \(--tls-key\) is not a private key/)
  await assert.rejects(loadOwnTls({ certPath, keyPath: lockedPath, now }), /protected by a passphrase/)
})

async function put(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function pemOf(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
