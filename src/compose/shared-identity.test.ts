import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openSqlite, SQLITE_DIALECT } from '../adapters/sqlite/database-sqlite.ts'
import { loadTls } from '../adapters/tls/tls-files.ts'
import { openLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import { migrate } from '../store/migrate.ts'
import { shareAuthority, shareIssuer } from './shared-identity.ts'

async function startShared(t: TestContext) {
  const database = openSqlite(':memory:')
  await migrate(database, SQLITE_DIALECT)
  const root = await mkdtemp(join(tmpdir(), 'aduana-shared-'))
  t.after(async () => {
    await database.close()
    await rm(root, { recursive: true })
  })
  const nodeIn = (name: string) => ({ folder: join(root, name), database })
  const shareTls = (name: string, hostNames: string[]) =>
    shareAuthority(nodeIn(name), () =>
      loadTls({ folder: join(root, name), hostNames, isShared: true, machineName: name }),
    )
  return { database, root, nodeIn, shareTls }
}

test('nodes that start one after another, or at once, have one local issuer', async (t) => {
  const { root, nodeIn } = await startShared(t)
  await Promise.all(['first', 'second'].map((name) => shareIssuer(nodeIn(name))))
  await shareIssuer(nodeIn('third'))
  const issuers = await Promise.all(
    ['first', 'second', 'third'].map((name) => openLocalIssuer({ folder: join(root, name) })),
  )
  assert.equal(new Set(issuers.map(({ issuer }) => issuer)).size, 1)
  const keys = await Promise.all(
    ['first', 'second', 'third'].map((name) => readFile(join(root, name, 'keys/issuer.jwk.json'), 'utf8')),
  )
  assert.equal(new Set(keys).size, 1)
  assert.equal((await stat(join(root, 'third/keys/issuer.jwk.json'))).mode & 0o777, 0o600)
})

test('a data folder of another installation is refused, and keeps its key', async (t) => {
  const { root, nodeIn } = await startShared(t)
  await openLocalIssuer({ folder: join(root, 'foreign') })
  const key = await readFile(join(root, 'foreign/keys/issuer.jwk.json'), 'utf8')
  await shareIssuer(nodeIn('first'))
  await assert.rejects(shareIssuer(nodeIn('foreign')), /of another installation/)
  assert.equal(await readFile(join(root, 'foreign/keys/issuer.jwk.json'), 'utf8'), key)
})

test('nodes share one CA; made anew for the host of one, it still vouches for those of the others', async (t) => {
  const { root, shareTls } = await startShared(t)
  const first = await shareTls('first', ['updates.example.com', '10.0.0.1'])
  const second = await shareTls('second', ['updates.example.com'])
  assert.equal(second.caPem, first.caPem)
  const third = await shareTls('third', ['10.0.0.3', '2001:db8::3'])
  assert.notEqual(third.caPem, first.caPem)
  const renewed = await shareTls('first', ['updates.example.com', '10.0.0.1'])
  assert.equal(renewed.caPem, third.caPem)
  assert.equal(renewed.certPem, first.certPem, 'the certificate of the node stays')
  const authority = new X509Certificate(third.caPem ?? '')
  for (const { certPem } of [first, second, third, renewed]) {
    assert.ok(new X509Certificate(certPem).verify(authority.publicKey))
  }
  const keys = await Promise.all(['first', 'third'].map((name) => readFile(join(root, name, 'tls/ca-key.pem'), 'utf8')))
  assert.equal(keys[0], keys[1])
  const all = await shareTls('fourth', ['updates.example.com', '10.0.0.1', '10.0.0.3', '2001:db8::3'])
  assert.equal(all.caPem, third.caPem, 'it vouches for all of them by now')
})

test('nodes that make a CA at the same time end with the same one', async (t) => {
  const { shareTls } = await startShared(t)
  const made = await Promise.all(['first', 'second', 'third'].map((name) => shareTls(name, ['updates.example.com'])))
  assert.equal(new Set(made.map(({ caPem }) => caPem)).size, 1)
})
