import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { type AppInMemory, startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { openPortal } from './portal.ts'

const PAGE = '<!doctype html><title>Aduana</title>'
const SCRIPT = 'console.log("portal")'

describe('the portal', () => {
  let folder: string
  let app: AppInMemory
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aduana-portal-'))
    await mkdir(join(folder, 'assets'))
    for (const [name, text] of Object.entries({ 'index.html': PAGE, 'assets/index-1234.js': SCRIPT })) {
      await writeFile(join(folder, name), text)
      await writeFile(join(folder, `${name}.br`), brotliCompressSync(text))
      await writeFile(join(folder, `${name}.gz`), gzipSync(text))
    }
    await writeFile(join(folder, 'assets/plain-5678.css'), 'a{}')
    await writeFile(join(folder, 'secret.txt'), 'secret')
    const portal = await openPortal(folder)
    app = await startAppInMemory({ portal, signInOrigins: () => ['https://id.example.com'] })
  })
  after(async () => {
    await app?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = (path: string, headers: Record<string, string> = {}) => app.ask(path, { role: '', headers })

  test('is one page at every address of its own, and at no other', async () => {
    for (const path of ['/', '/instances', '/instances/blue/updates/Contoso/Toaster/1.0']) {
      const { status, text, headers } = await ask(path)
      assert.deepEqual([status, text], [200, PAGE], path)
      assert.equal(headers['content-type'], 'text/html; charset=utf-8')
      assert.equal(headers['cache-control'], 'no-cache')
    }
    for (const path of ['/nothing', '/deviceUpdate/blue/nothing', '/aduana/v1/nothing', '/assets/none-1.js']) {
      const { status, headers } = await ask(path)
      assert.equal(status, 404, path)
      assert.match(String(headers['content-type']), /^application\/problem\+json/, path)
    }
  })

  test('allows its pages nothing but what they need', async () => {
    const { headers } = await ask('/')
    assert.equal(
      headers['content-security-policy'],
      "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; " +
        "img-src 'self' data:; connect-src 'self' https://id.example.com; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    )
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
  })

  test('sends what was compressed beforehand to whoever takes it, each form under an ETag of its own', async () => {
    const fetched = async (path: string, coding: string) => {
      const { rawPayload, headers } = await app.fastify.inject({ url: path, headers: { 'accept-encoding': coding } })
      return { rawPayload, headers }
    }
    const brotli = await fetched('/assets/index-1234.js', 'gzip, deflate, br')
    assert.equal(brotli.headers['content-encoding'], 'br')
    assert.equal(brotliDecompressSync(brotli.rawPayload).toString(), SCRIPT)
    assert.equal(brotli.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(brotli.headers['content-type'], 'text/javascript; charset=utf-8')
    const gzip = await fetched('/', 'gzip;q=0.5, br;q=0')
    assert.equal(gzip.headers['content-encoding'], 'gzip')
    assert.equal(gunzipSync(gzip.rawPayload).toString(), PAGE)
    const plain = await fetched('/assets/plain-5678.css', 'br')
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.equal(plain.rawPayload.toString(), 'a{}')
    const etags = [brotli, gzip, plain, await fetched('/', '')].map(({ headers }) => headers.etag)
    assert.equal(new Set(etags).size, 4)
    const { status, text } = await ask('/', { 'if-none-match': String(etags[3]) })
    assert.deepEqual([status, text], [304, ''])
  })

  test('serves no file that is not part of it', async () => {
    for (const path of ['/assets/..%2fsecret.txt', '/assets/../secret.txt', '/assets/index-1234.js.br', '/assets/']) {
      assert.equal((await ask(path)).status, 404, path)
    }
  })
})

test('a server without a built portal says how to build it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-portal-'))
  try {
    assert.equal(await openPortal(folder), undefined)
    await using app = await startAppInMemory()
    const { status, text } = await app.ask('/', { role: '' })
    assert.equal(status, 503)
    assert.match(text, /npm ci/)
    assert.equal((await app.ask('/aduana/v1/instances')).status, 200)
  } finally {
    await rm(folder, { recursive: true })
  }
})
