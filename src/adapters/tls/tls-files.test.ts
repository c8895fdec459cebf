import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, get } from 'node:https'
import { type AddressInfo, isIP } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { hostNamed } from './certificate-hosts.ts'
import { makeServerCertificate } from './make-certificates.ts'
import { loadTls } from './tls-files.ts'

const machineName = 'workbench'

function inDays(days: number): Date {
  return new Date(Date.now() + days * 24 * 60 * 60_000)
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-tls-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

/** Serves with the certificate at the address and asks it by `host`, trusting nothing but `caPem`. */
async function askOverTls({
  certPem,
  keyPem,
  caPem,
  address = '127.0.0.1',
  host,
}: {
  certPem: string
  keyPem: string
  caPem: string
  address?: string
  host: string
}): Promise<string> {
  const server = createServer({ cert: certPem, key: keyPem }, (_, answer) => answer.end('welcome'))
  server.listen(0, address)
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    // The name is checked against the certificate, but not looked up.
    const request = get({ host, port, ca: caPem, agent: false, lookup: (_, options, found) => lookUp(options, found) })
    const [answer] = await once(request, 'response')
    return Buffer.concat(await Array.fromAsync<Buffer>(answer)).toString()
  } finally {
    server.closeAllConnections()
    server.close()
  }

  function lookUp(
    options: { all?: boolean | undefined },
    found: (error: null, address: never, family: number) => void,
  ): void {
    const family = address.includes(':') ? 6 : 4
    found(null, (options.all ? [{ address, family }] : address) as never, family)
  }
}

test('the first start makes a CA and a certificate that clients accept for every local name', async (t) => {
  const folder = await temporaryFolder(t)
  const tls = await loadTls({ folder, machineName, hostNames: ['updates.example.net'] })
  assert.equal(tls.notes.length, 2)
  assert.ok(tls.expiresAt < inDays(397))
  const { caPem, certPem, keyPem } = { caPem: '', ...tls }
  for (const host of ['localhost', '127.0.0.1', machineName, 'updates.example.net']) {
    assert.equal(await askOverTls({ certPem, keyPem, caPem, host }), 'welcome', host)
  }
  await assert.rejects(askOverTls({ certPem, keyPem, caPem, host: 'other.example.net' }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  )
  if (hasIpv6) assert.equal(await askOverTls({ certPem, keyPem, caPem, address: '::1', host: '::1' }), 'welcome')
})

test('keys are readable by their owner only, certificates by everybody, and nothing else remains', async (t) => {
  const folder = await temporaryFolder(t)
  await loadTls({ folder, machineName })
  const modes = new Map<string, number>()
  for (const name of await readdir(join(folder, 'tls'))) {
    modes.set(name, (await stat(join(folder, 'tls', name))).mode & 0o777)
  }
  const openMode = 0o644 & ~process.umask()
  assert.deepEqual(Object.fromEntries(modes), {
    'ca.pem': openMode,
    'ca-key.pem': 0o600,
    'server.pem': openMode,
    'server-key.pem': 0o600,
  })
})

test('a later start uses what is there', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await loadTls({ folder, machineName })
  assert.deepEqual(await loadTls({ folder, machineName }), { ...first, notes: [] })
})

test('the server certificate is renewed 30 days before it expires, and the CA stays', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await loadTls({ folder, machineName })
  const early = await loadTls({ folder, machineName, now: inDays(365) })
  assert.equal(early.certPem, first.certPem)
  const late = await loadTls({ folder, machineName, now: inDays(367) })
  assert.ok(late.expiresAt > inDays(760))
  assert.equal(late.caPem, first.caPem)
  assert.match(late.notes.join(), /^Made a certificate for .* because it expires on/)
})

test('a CA that would not outlive the next server certificate gets a new one for the same key', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await loadTls({ folder, machineName })
  const now = inDays(3650 - 399)
  const later = await loadTls({ folder, machineName, now })
  const [old, renewed] = [new X509Certificate(first.caPem!), new X509Certificate(later.caPem!)]
  assert.ok(renewed.validToDate > old.validToDate)
  assert.ok(renewed.publicKey.equals(old.publicKey))
  assert.match(later.notes.join('\n'), /with the same key, because it expires on .* Give clients the new .*ca\.pem/)
  const server = new X509Certificate(later.certPem)
  for (const trusted of [old, renewed]) assert.ok(server.checkIssued(trusted) && server.verify(trusted.publicKey))
})

test('a host that the CA may not vouch for makes it anew, one that is dropped does not', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await loadTls({ folder, machineName })
  const hostNames = ['updates.example.net', '192.0.2.7']
  const widened = await loadTls({ folder, machineName, hostNames })
  assert.notEqual(widened.caPem, first.caPem)
  assert.match(widened.notes.join('\n'), /because it may not vouch for updates\.example\.net, 192\.0\.2\.7\./)
  assert.match(new X509Certificate(widened.certPem).subjectAltName!, /DNS:updates\.example\.net/)

  const narrowed = await loadTls({ folder, machineName })
  assert.equal(narrowed.caPem, widened.caPem)
  assert.match(narrowed.notes.join(), /because it was for other hosts/)
  assert.doesNotMatch(new X509Certificate(narrowed.certPem).subjectAltName!, /updates/)
})

test('a machine that got another name keeps its CA, and the note says what to do', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await loadTls({ folder, machineName })
  const renamed = await loadTls({ folder, machineName: 'another' })
  assert.equal(renamed.caPem, first.caPem)
  assert.match(renamed.notes.join('\n'), /named another, and cannot vouch for that name.*--public-url/)
  const asked = await loadTls({ folder, machineName: 'another', hostNames: ['another'] })
  assert.match(new X509Certificate(asked.certPem).subjectAltName!, /DNS:another/)
})

test('a missing or damaged part is made again, and the parts fit together afterwards', async (t) => {
  for (const name of ['ca.pem', 'ca-key.pem', 'server.pem', 'server-key.pem']) {
    for (const content of [undefined, '', '-----BEGIN CERTIFICATE-----\nhalf', generatedKey('ed25519')]) {
      const folder = await temporaryFolder(t)
      const first = await loadTls({ folder, machineName })
      const path = join(folder, 'tls', name)
      await (content === undefined ? rm(path) : writeFile(path, content))
      const mended = await loadTls({ folder, machineName })
      assert.match(mended.notes.join('\n'), new RegExp(`because .*${name} was missing or damaged`))
      if (name.startsWith('server')) assert.equal(mended.caPem, first.caPem)
      const { caPem, certPem, keyPem } = { caPem: '', ...mended }
      assert.equal(await askOverTls({ certPem, keyPem, caPem, host: 'localhost' }), 'welcome')
      assert.deepEqual((await loadTls({ folder, machineName })).notes, [])
    }
  }
})

test('a crash between writing a key and its certificate is mended', async (t) => {
  for (const name of ['ca-key.pem', 'server-key.pem']) {
    const folder = await temporaryFolder(t)
    await loadTls({ folder, machineName })
    await writeFile(join(folder, 'tls', name), generatedKey('P-256'))
    const { caPem, certPem, keyPem, notes } = { caPem: '', ...(await loadTls({ folder, machineName })) }
    assert.match(notes.join('\n'), /did not belong together/)
    assert.equal(await askOverTls({ certPem, keyPem, caPem, host: 'localhost' }), 'welcome')
  }
})

test('a server certificate of another CA is replaced', async (t) => {
  const [folder, other] = [await temporaryFolder(t), await temporaryFolder(t)]
  await loadTls({ folder, machineName })
  await loadTls({ folder: other, machineName })
  for (const name of ['server.pem', 'server-key.pem']) {
    await copyFile(join(other, 'tls', name), join(folder, 'tls', name))
  }
  const { caPem, certPem, keyPem, notes } = { caPem: '', ...(await loadTls({ folder, machineName })) }
  assert.match(notes.join('\n'), /because another CA had signed it/)
  assert.equal(await askOverTls({ certPem, keyPem, caPem, host: 'localhost' }), 'welcome')
})

test('what was made while the clock was a year ahead is made again', async (t) => {
  const folder = await temporaryFolder(t)
  await loadTls({ folder, machineName, now: inDays(365) })
  const { caPem, certPem, keyPem, notes } = { caPem: '', ...(await loadTls({ folder, machineName })) }
  assert.match(notes.join('\n'), /the clock was ahead/)
  assert.equal(await askOverTls({ certPem, keyPem, caPem, host: 'localhost' }), 'welcome')
})

test('a certificate for another site that is signed with the stolen key of the CA is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const { caPem, keyPem } = { caPem: '', ...(await loadTls({ folder, machineName })) }
  const authorityKey = createPrivateKey(await readFile(join(folder, 'tls', 'ca-key.pem')))
  const attempt = async (host: string) => {
    const key = createPrivateKey(keyPem)
    const hosts = [hostNamed(host)]
    const certPem = await makeServerCertificate({ authorityPem: caPem, authorityKey, key, hosts, now: new Date() })
    return await askOverTls({ certPem, keyPem, caPem, host: isIP(host) ? '127.0.0.1' : host })
  }
  assert.equal(await attempt('localhost'), 'welcome')
  for (const host of ['example.com', 'workbench.example.com', '192.0.2.7']) {
    await assert.rejects(attempt(host), { message: 'permitted subtree violation' }, host)
  }
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

test('OpenSSL accepts the chain by its strictest rules', {
  skip: !hasOpenssl && 'there is no openssl here',
}, async (t) => {
  const folder = await temporaryFolder(t)
  await loadTls({ folder, machineName, hostNames: Array.from({ length: 20 }, (_, n) => `host-${n}.example.net`) })
  const verified = spawnSync(
    'openssl',
    [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-verify_hostname',
      machineName,
      '-CAfile',
      'ca.pem',
      'server.pem',
    ],
    { cwd: join(folder, 'tls'), encoding: 'utf8' },
  )
  assert.equal(verified.status, 0, verified.stderr)
})

function generatedKey(kind: 'P-256' | 'ed25519'): string {
  const { privateKey } =
    kind === 'P-256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
