// Where the real program goes when a source sends it elsewhere: nowhere that its operator did not allow.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { loadTls } from '../../src/adapters/tls/tls-files.ts'
import type { ApiClient } from '../../src/client/api-client.ts'
import {
  type Behaviour,
  type MisbehavingSource,
  redirectLoop,
  redirectTo,
  serveBytes,
  startSource,
} from '../support/misbehaving-source.ts'
import { importAndWait } from '../support/operation-end.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

describe('a server whose operator allowed the ports of its sources', () => {
  let folder: string
  let aduana: Aduana
  let client: ApiClient
  let source: MisbehavingSource
  let secureSource: MisbehavingSource
  /** A port beside the allowed one, on IPv4 and on IPv6. Nobody may come. */
  let canaries: MisbehavingSource[]

  before(async () => {
    source = await startSource()
    canaries = [await startSource(), await startSource({ host: '::1' })]
    for (const canary of canaries) canary.at('/secret', serveBytes(Buffer.from('secret')))
    folder = await mkdtemp(join(tmpdir(), 'aduana-sources-'))
    const { keyPem, certPem, caPem = '' } = await loadTls({ folder, hostNames: [] })
    secureSource = await startSource({ tls: { key: keyPem, cert: certPem } })
    // What an operator does whose sources have certificates of a private authority.
    process.env.NODE_EXTRA_CA_CERTS = join(folder, 'authority.pem')
    await writeFile(process.env.NODE_EXTRA_CA_CERTS, caPem)
    const allowed = [source, secureSource].flatMap(({ port }) => ['--allow-source', `127.0.0.1:${port}`])
    aduana = await startAduana({ flags: allowed })
    client = await aduana.client()
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    for (const started of [source, secureSource, ...(canaries ?? [])]) await started?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** The innermost error of an import in which one of the two, the manifest or a file, is sent elsewhere. */
  async function causeOf(behaviour: Behaviour, which: 'manifest' | 'file', from = source) {
    const { input } = publishUpdate(
      from,
      which === 'manifest'
        ? { manifestBehaviour: behaviour }
        : { files: [{ name: 'a.bin', bytes: Buffer.from('some bytes'), behaviour }] },
    )
    const { status, error } = await importAndWait(client, [input])
    assert.equal(status, 'Failed')
    assert.equal(error?.code, which === 'manifest' ? 'CannotProcessImportManifest' : 'CannotProcessUpdateFile')
    const cause = error?.innererror?.innerError
    assert.ok(cause, JSON.stringify(error))
    return cause
  }

  const canary = (index: number) => canaries[index]?.port
  /** Where it is sent, the code, and what the message must say: what is there, and the flag that would open it. */
  const cases: [string, () => string, code: string, says: () => string[]][] = [
    [
      'another port of the allowed address',
      () => `http://127.0.0.1:${canary(0)}/secret`,
      'SourceRefused',
      () => ['a loopback address', `--allow-source 127.0.0.1:${canary(0)}`],
    ],
    [
      'a name of loopback',
      () => `http://localhost:${canary(0)}/secret`,
      'SourceRefused',
      () => ['a loopback address', `--allow-source localhost:${canary(0)}`],
    ],
    [
      'an address of loopback in another spelling',
      () => `http://0x7f.1:${canary(0)}/secret`,
      'SourceRefused',
      () => ['a loopback address', `--allow-source 127.0.0.1:${canary(0)}`],
    ],
    [
      'loopback on IPv6',
      () => `http://[::1]:${canary(1)}/secret`,
      'SourceRefused',
      () => ['a loopback address', `--allow-source [::1]:${canary(1)}`],
    ],
    [
      'loopback on IPv4 mapped into IPv6',
      () => `http://[::ffff:127.0.0.1]:${canary(0)}/secret`,
      'SourceRefused',
      () => ['an IPv4-mapped address', `--allow-source [::ffff:7f00:1]:${canary(0)}`],
    ],
    [
      'the secrets of a cloud machine',
      () => 'http://169.254.169.254/latest/meta-data/',
      'SourceRefused',
      () => ['a cloud metadata address', '--allow-source 169.254.169.254:80'],
    ],
    [
      'a private address',
      () => 'https://10.1.2.3/file',
      'SourceRefused',
      () => ['a private address', '--allow-source 10.1.2.3:443'],
    ],
    ['a file of the server', () => 'file:///etc/passwd', 'SourceRedirects', () => ['to no http or https URL']],
    [
      'a URL with a password',
      () => `http://user:password@127.0.0.1:${source.port}/secret`,
      'SourceRefused',
      () => ['user name or password'],
    ],
  ]
  for (const [title, target, code, says] of cases) {
    test(`is sent to ${title}, and does not go`, async () => {
      for (const which of ['manifest', 'file'] as const) {
        const { code: told, message = '' } = await causeOf(redirectTo(target()), which)
        assert.equal(told, code, message)
        for (const part of says()) assert.ok(message.includes(part), `${message} lacks ${part}`)
      }
      for (const canary of canaries) assert.equal(canary.connectionsMade(), 0)
    })
  }

  test('is sent there only after a redirect that was fine, and does not go either', async () => {
    const second = source.at('/second', redirectTo(`http://127.0.0.1:${canary(0)}/secret`))
    const { code, message } = await causeOf(redirectTo(second), 'file')
    assert.equal(code, 'SourceRefused', message)
    for (const canary of canaries) assert.equal(canary.connectionsMade(), 0)
  })

  test('is sent from https to http, and does not go', async () => {
    for (const which of ['manifest', 'file'] as const) {
      const target = `http://127.0.0.1:${canary(0)}/secret`
      const { code, message = '' } = await causeOf(redirectTo(target), which, secureSource)
      assert.equal(code, 'SourceRefused', message)
      assert.ok(message.includes('the redirect leads from https to http'), message)
      assert.ok(message.includes(`--allow-source 127.0.0.1:${canary(0)}`), message)
    }
    for (const canary of canaries) assert.equal(canary.connectionsMade(), 0)
  })

  test('is sent on and on, and gives up after the fifth time', async () => {
    for (const which of ['manifest', 'file'] as const) {
      const asked = source.requests.length
      const { code, message } = await causeOf(redirectLoop, which)
      assert.equal(code, 'SourceRedirects', message)
      assert.match(String(message), /redirects more than 5 times\. Use the final URL\.$/)
      // The first request and five more; where a file is meant, the manifest before.
      assert.equal(source.requests.length - asked, which === 'manifest' ? 6 : 7)
    }
  })

  test('trusts what its operator trusts, for small files and for large ones, which another thread fetches', async () => {
    const { input } = publishUpdate(secureSource, {
      version: '3.0',
      files: [
        { name: 'a.bin', bytes: Buffer.alloc(1000, 'small') },
        { name: 'b.bin', bytes: Buffer.alloc(3_000_000, 'large') },
      ],
    })
    assert.equal((await importAndWait(client, [input])).status, 'Succeeded')
  })

  test('goes where it is allowed to go', async () => {
    const bytes = Buffer.from('moved')
    const moved = source.at('/moved', serveBytes(bytes))
    const { input } = publishUpdate(source, { files: [{ name: 'a.bin', bytes, behaviour: redirectTo(moved) }] })
    assert.equal((await importAndWait(client, [input])).status, 'Succeeded')
  })
})
