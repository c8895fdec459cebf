import 'reflect-metadata'
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import * as x509 from '@peculiar/x509'
import {
  answerRaw,
  answerStatus,
  type Behaviour,
  claimLength,
  closeEarly,
  neverAnswer,
  redirectLoop,
  redirectTo,
  sendMore,
  serveBytes,
  serveOtherBytes,
  stall,
  startSource,
  trickle,
} from '../../../tests/support/misbehaving-source.ts'
import type { ErrorCode } from '../../domain/error-codes.ts'
import { AppError } from '../../domain/errors.ts'
import { type HttpSourceOptions, openHttpSource } from './source-http.ts'
import { createSourcePolicy, parseAllowedSource } from './source-policy.ts'

const BYTES = new Uint8Array(300_000).map((_, index) => index % 251)
const WITHOUT_IPV6 =
  !Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1')) &&
  'this machine has no IPv6 loopback'
const NEVER = new AbortController().signal

/** An adapter that may fetch from this machine, unless the test says otherwise. */
function startFetcher({ allow = ['127.0.0.0/8'], ...options }: Partial<HttpSourceOptions> & { allow?: string[] } = {}) {
  const policy = createSourcePolicy(allow.map(parseAllowedSource))
  const source = openHttpSource({ policy, version: '1.2.3', ...options })
  return {
    open: source.open,
    async fetch(url: URL, { sizeInBytes = BYTES.length, signal = NEVER } = {}): Promise<Buffer> {
      const chunks: Uint8Array[] = []
      for await (const chunk of await source.open(url, { sizeInBytes, signal })) chunks.push(Buffer.from(chunk))
      return Buffer.concat(chunks)
    },
    [Symbol.asyncDispose]: () => source.close(),
  }
}

/** The `AppError` that the promise rejects with; it must have this code and never a query string. */
async function failureOf(promise: Promise<unknown>, code: ErrorCode): Promise<AppError> {
  const error = await promise.then(
    () => assert.fail(`${code} was expected`),
    (error: unknown) => error,
  )
  assert(error instanceof AppError, String(error))
  assert.equal(error.code, code, error.message)
  assert.doesNotMatch(`${error.message} ${error.errorDetail}`, /sig=|secret/)
  return error
}

describe('a good source', () => {
  test('gives exactly its bytes', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    assert.deepEqual(await fetcher.fetch(source.at('/firmware.bin', serveBytes(BYTES))), Buffer.from(BYTES))
  })

  test('is asked plainly, with its query and without credentials', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = new URL('?sv=2020-08-04&sig=secret%3D', source.at('/firmware.bin', serveBytes(BYTES)))
    await fetcher.fetch(url)
    const [request] = source.requests
    assert.equal(request?.method, 'GET')
    assert.equal(request.path, '/firmware.bin?sv=2020-08-04&sig=secret%3D')
    const { connection: _, ...headers } = request.headers
    assert.deepEqual(headers, {
      accept: '*/*',
      'accept-encoding': 'identity',
      host: url.host,
      'user-agent': 'aduana/1.2.3',
    })
  })

  test('may send an empty file', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/empty', serveBytes(new Uint8Array(0)))
    assert.equal((await fetcher.fetch(url, { sizeInBytes: 0 })).length, 0)
  })

  test('may leave the length open; counting is the part of the reader', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/more', sendMore(BYTES, { extraBytes: 7 }))
    assert.equal((await fetcher.fetch(url)).length, BYTES.length + 7)
  })

  test('that sends other bytes is believed; comparing is the part of the reader', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const bytes = await fetcher.fetch(source.at('/other', serveOtherBytes(BYTES)))
    assert.equal(bytes.length, BYTES.length)
    assert.notDeepEqual(bytes, Buffer.from(BYTES))
  })

  test('that says Content-Encoding is not decompressed', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/gzip', (request, response) => {
      response.setHeader('content-encoding', 'gzip')
      serveBytes(BYTES)(request, response)
    })
    assert.deepEqual(await fetcher.fetch(url), Buffer.from(BYTES))
  })

  test('is asked twice over one connection', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/firmware.bin', serveBytes(BYTES))
    await fetcher.fetch(url)
    await delay(20) // a connection is free again only after a turn of the event loop
    await fetcher.fetch(url)
    assert.equal(source.requests.length, 2)
    assert.equal(source.connectionsMade(), 1)
  })

  test('is reached directly, whatever proxy the environment names', async () => {
    await using source = await startSource()
    const proxy = { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9', NODE_USE_ENV_PROXY: '1' }
    Object.assign(process.env, proxy)
    try {
      await using fetcher = startFetcher()
      assert.equal((await fetcher.fetch(source.at('/firmware.bin', serveBytes(BYTES)))).length, BYTES.length)
    } finally {
      for (const name of Object.keys(proxy)) delete process.env[name]
    }
  })
})

describe('an answer that is not 200', () => {
  const STATUSES: [status: number, mayRecover: boolean][] = [
    [204, false],
    [206, false],
    [304, false],
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [408, true],
    [410, false],
    [429, true],
    [500, true],
    [503, true],
  ]
  for (const [status, mayRecover] of STATUSES) {
    test(`${status} is SourceStatus and ${mayRecover ? 'may recover' : 'does not recover'}`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher()
      const url = new URL('?sig=secret', source.at('/firmware.bin', answerStatus(status)))
      const error = await failureOf(fetcher.fetch(url), 'SourceStatus')
      assert(error.message.startsWith(`${source.at('/firmware.bin', answerStatus(status))} answered ${status} (`))
      assert.equal(error.mayRecover, mayRecover)
    })
  }

  test('keeps the wording of the original service, and names the error code of Azure Storage', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const reason = 'Server failed to authenticate the request.'
    const headers = { 'x-ms-error-code': 'AuthenticationFailed' }
    const error = await failureOf(
      fetcher.fetch(source.at('/firmware.bin', answerStatus(403, { reason, headers }))),
      'SourceStatus',
    )
    assert.equal(
      error.errorDetail,
      `Response status code does not indicate success: 403 (${reason}). x-ms-error-code: AuthenticationFailed.`,
    )
  })

  test('has no empty parentheses where the source gives no reason', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const error = await failureOf(
      fetcher.fetch(source.at('/firmware.bin', answerStatus(404, { reason: '' }))),
      'SourceStatus',
    )
    assert.equal(error.errorDetail, 'Response status code does not indicate success: 404.')
  })
})

for (const status of [302, 404]) {
  test(`the body of a ${status} is not waited for`, async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    source.at('/firmware.bin', serveBytes(BYTES))
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const url = source.at('/start', (_request, response) => {
      response.once('close', end).writeHead(status, { location: '/firmware.bin' }).write('still')
    })
    if (status === 302) assert.equal((await fetcher.fetch(url)).length, BYTES.length)
    else await failureOf(fetcher.fetch(url), 'SourceStatus')
    await ended
  })
}

describe('a signature that expired', () => {
  const now = () => Date.parse('2020-05-08T21:00:00Z')

  const EXPIRED: [query: string, words: string][] = [
    ['se=2020-05-08T20:52:51Z&sig=secret', 'expired at 2020-05-08T20:52:51Z, 7 minutes ago'],
    ['sig=secret&se=2020-05-08T20%3A58Z', 'expired at 2020-05-08T20:58Z, 2 minutes ago'],
    ['se=2020-05-08&sig=secret', 'expired at 2020-05-08, 21 hours ago'],
    ['se=2020-01-01T00:00:00.1234567Z&sig=secret', 'expired at 2020-01-01T00:00:00.1234567Z, 128 days ago'],
  ]
  for (const [query, words] of EXPIRED) {
    test(`is found in ${query} before the source is asked`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher({ now })
      const url = new URL(`?${query}`, source.at('/firmware.bin', serveBytes(BYTES)))
      const error = await failureOf(fetcher.fetch(url), 'SourceExpired')
      assert(error.message.includes(words), error.message)
      assert.equal(error.mayRecover, false)
      assert.equal(source.requests.length, 0)
    })
  }

  for (const query of [
    'se=2020-05-08T21:00:01Z&sig=x',
    'se=2020-05-09&sig=x',
    'se=2020-05-08T20:52:51Z',
    'se=20&sig=x',
    'se=2020-13-45&sig=x',
  ]) {
    test(`is not seen in ${query}`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher({ now })
      const url = new URL(`?${query}`, source.at('/firmware.bin', serveBytes(BYTES)))
      assert.equal((await fetcher.fetch(url)).length, BYTES.length)
    })
  }

  test('is named as the cause when it expired while the source was asked', async () => {
    await using source = await startSource()
    const times = [now() - 1000, now() + 1000]
    await using fetcher = startFetcher({ now: () => times.shift() ?? assert.fail('asked a third time') })
    const url = new URL('?se=2020-05-08T21:00:00Z&sig=secret', source.at('/firmware.bin', answerStatus(403)))
    await failureOf(fetcher.fetch(url), 'SourceExpired')
  })

  test('is found behind a redirect', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ now })
    const url = source.at('/start', redirectTo('/firmware.bin?se=2020-05-08&sig=secret'))
    await failureOf(fetcher.fetch(url), 'SourceExpired')
  })
})

describe('redirects', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`of status ${status} are followed, relative ones too`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher()
      source.at('/other/firmware.bin', serveBytes(BYTES))
      const url = source.at('/start', redirectTo('other/firmware.bin', status))
      assert.equal((await fetcher.fetch(url)).length, BYTES.length)
    })
  }

  for (const { redirects, followed } of [
    { redirects: 5, followed: true },
    { redirects: 6, followed: false },
  ]) {
    test(`${redirects} in a row are ${followed ? 'followed' : 'too many'}`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher()
      source.at('/0', serveBytes(BYTES))
      for (let left = 1; left <= redirects; left += 1) source.at(`/${left}`, redirectTo(`/${left - 1}`))
      const fetched = fetcher.fetch(new URL(`http://127.0.0.1:${source.port}/${redirects}`))
      if (followed) assert.equal((await fetched).length, BYTES.length)
      else assert.equal((await failureOf(fetched, 'SourceRedirects')).mayRecover, false)
    })
  }

  test('for ever are ended', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    await failureOf(fetcher.fetch(new URL('?sig=secret', source.at('/loop', redirectLoop))), 'SourceRedirects')
    assert.equal(source.requests.length, 6)
  })

  for (const location of ['ftp://127.0.0.1/x', 'file:///etc/passwd', 'data:,x', 'http://', 'http://[::g]/?secret']) {
    test(`to ${location} are SourceRedirects`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher()
      await failureOf(fetcher.fetch(source.at('/start', redirectTo(location))), 'SourceRedirects')
    })
  }

  test('without a target are an ordinary wrong status', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    await failureOf(fetcher.fetch(source.at('/start', answerStatus(302))), 'SourceStatus')
  })

  for (const location of ['http://127.0.0.2/?sig=secret', 'http://169.254.169.254/x', 'http://0x7f.2/', '//[::1]/']) {
    test(`to the refused ${location} go no further`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher({ allow: ['127.0.0.1'] })
      const url = source.at('/start', redirectTo(location))
      const error = await failureOf(fetcher.fetch(url), 'SourceRefused')
      assert(error.message.includes(`(redirected from ${url})`), error.message)
    })
  }

  test('to a URL with a password are refused', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    source.at('/firmware.bin', serveBytes(BYTES))
    const url = source.at('/start', redirectTo(`http://user:secret@127.0.0.1:${source.port}/firmware.bin`))
    await failureOf(fetcher.fetch(url), 'SourceRefused')
  })
})

describe('a stated length', () => {
  test('that differs is refused before the body is read', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/firmware.bin', stall(BYTES, { afterBytes: 10 }))
    const error = await failureOf(fetcher.open(url, { sizeInBytes: 299_999, signal: NEVER }), 'SizeMismatch')
    assert(error.message.startsWith(`${url} has 300000 bytes, but 299999 were stated.`), error.message)
    assert.equal(error.mayRecover, false)
    await source.idle()
  })

  test('that is longer than what comes is SourceTruncated', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ limits: { silenceMs: 200 } })
    const lie: Behaviour = (request, response) => {
      response.shouldKeepAlive = false
      claimLength(BYTES, { claimedBytes: BYTES.length + 1 })(request, response)
    }
    await failureOf(fetcher.fetch(source.at('/short', lie), { sizeInBytes: BYTES.length + 1 }), 'SourceTruncated')
  })
})

describe('a source that breaks off', () => {
  for (const promise of [true, false]) {
    test(`is SourceTruncated and may recover, ${promise ? 'with' : 'without'} a stated length`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher()
      const url = source.at('/firmware.bin', closeEarly(BYTES, { afterBytes: 100_000, promise }))
      const error = await failureOf(fetcher.fetch(url), 'SourceTruncated')
      assert(error.message.includes('after 100000 of 300000 bytes'), error.message)
      assert.equal(error.mayRecover, true)
    })
  }

  test('between opening and reading is met by the reader', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/firmware.bin', closeEarly(BYTES, { afterBytes: 1000 }))
    const body = await fetcher.open(url, { sizeInBytes: BYTES.length, signal: NEVER })
    await source.idle()
    await failureOf(Array.fromAsync(body), 'SourceTruncated')
  })

  test('by resetting the connection is SourceTruncated too', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/firmware.bin', (_request, response) => {
      response.writeHead(200, { 'content-length': BYTES.length })
      response.write(BYTES.subarray(0, 100_000), () => response.socket?.resetAndDestroy())
    })
    assert.equal((await failureOf(fetcher.fetch(url), 'SourceTruncated')).mayRecover, true)
  })

  test('before it answers is SourceUnreachable and may recover', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/firmware.bin', answerRaw(''))
    assert.equal((await failureOf(fetcher.fetch(url), 'SourceUnreachable')).mayRecover, true)
  })
})

describe('a source that cannot be reached', () => {
  test('because nobody listens may recover', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    await using fetcher = startFetcher()
    const error = await failureOf(fetcher.fetch(new URL(`http://127.0.0.1:${port}/x`)), 'SourceUnreachable')
    assert(error.message.startsWith(`http://127.0.0.1:${port}/x: the connection was refused.`), error.message)
    assert.equal(error.mayRecover, true)
  })

  for (const { code, mayRecover } of [
    { code: 'ENOTFOUND', mayRecover: false },
    { code: 'EAI_AGAIN', mayRecover: true },
  ]) {
    test(`because of ${code} ${mayRecover ? 'may recover' : 'does not recover'}`, async () => {
      await using fetcher = startFetcher({
        resolve: async () => {
          throw Object.assign(new Error(`getaddrinfo ${code} files.example`), { code })
        },
      })
      const error = await failureOf(fetcher.fetch(new URL('http://files.example/x')), 'SourceUnreachable')
      assert.equal(error.mayRecover, mayRecover)
    })
  }

  test('because it speaks no HTTP does not recover', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/x', answerRaw('SSH-2.0-OpenSSH_9.2\r\n'))
    const error = await failureOf(fetcher.fetch(url), 'SourceUnreachable')
    assert.match(error.message, /does not match the HTTP.1.1 protocol/)
    assert.equal(error.mayRecover, false)
  })
})

describe('a source that is slow', { concurrency: true }, () => {
  test('to resolve ends after the time for connecting', async () => {
    await using fetcher = startFetcher({ limits: { connectMs: 100 }, resolve: () => new Promise(() => {}) })
    const error = await failureOf(fetcher.fetch(new URL('http://files.example/x')), 'SourceTimeout')
    assert(error.message.includes('no connection within 0.1 s'), error.message)
    assert.equal(error.mayRecover, true)
  })

  test('to finish TLS ends after the time for connecting', async () => {
    await using source = await startSilentServer()
    await using fetcher = startFetcher({ limits: { connectMs: 100 } })
    const url = new URL(`https://127.0.0.1:${source.port}/x`)
    assert.match((await failureOf(fetcher.fetch(url), 'SourceTimeout')).message, /no connection within 0.1 s/)
  })

  test('to answer ends after the time of silence', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ limits: { silenceMs: 100 } })
    const error = await failureOf(fetcher.fetch(source.at('/x', neverAnswer)), 'SourceTimeout')
    assert(error.message.includes('no answer within 0.1 s'), error.message)
    await source.idle()
  })

  test('to go on ends after the time of silence', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ limits: { silenceMs: 100 } })
    const error = await failureOf(fetcher.fetch(source.at('/x', stall(BYTES, { afterBytes: 1000 }))), 'SourceTimeout')
    assert(error.message.includes('nothing came for 0.1 s, after 1000 of 300000 bytes'), error.message)
    assert.equal(error.mayRecover, true)
    await source.idle()
  })

  test('at every byte ends after the time for slowness', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ limits: { slowMs: 200 } })
    const error = await failureOf(fetcher.fetch(source.at('/x', trickle(BYTES, { everyMs: 10 }))), 'SourceTimeout')
    assert(error.message.includes('slower than 1024 bytes a second for 0.2 s'), error.message)
    assert.equal(error.mayRecover, true)
    await source.idle()
  })

  test('at every byte is borne while it keeps the pace asked for', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ limits: { slowMs: 50, slowBytesPerSecond: 10 } })
    const bytes = BYTES.subarray(0, 30)
    const url = source.at('/x', trickle(bytes, { everyMs: 10 }))
    assert.equal((await fetcher.fetch(url, { sizeInBytes: 30 })).length, 30)
  })

  test('all in all ends after the whole time', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ limits: { totalMs: 200 } })
    const error = await failureOf(fetcher.fetch(source.at('/x', trickle(BYTES, { everyMs: 10 }))), 'SourceTimeout')
    assert(error.message.includes('not finished within 0.2 s'), error.message)
    await source.idle()
  })

  test('is told apart from a slow reader', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ limits: { slowMs: 200, slowBytesPerSecond: 1_000_000 } })
    const bytes = new Uint8Array(4 * 1024 * 1024)
    const url = source.at('/x', serveBytes(bytes))
    let got = 0
    let pauses = 0
    for await (const chunk of await fetcher.open(url, { sizeInBytes: bytes.length, signal: NEVER })) {
      got += chunk.length
      if (pauses < 2) {
        pauses += 1
        await delay(300)
      }
    }
    assert.equal(got, bytes.length)
  })
})

describe('an abort', () => {
  const reason = new Error('the lease is lost')

  test('before anything is thrown at once', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const url = source.at('/x', serveBytes(BYTES))
    await assert.rejects(fetcher.fetch(url, { signal: AbortSignal.abort(reason) }), (error) => error === reason)
    assert.equal(source.requests.length, 0)
  })

  for (const { when, behaviour } of [
    { when: 'while the source says nothing', behaviour: neverAnswer },
    { when: 'while the body stalls', behaviour: stall(BYTES, { afterBytes: 1000 }) },
    { when: 'while the body comes', behaviour: trickle(BYTES, { everyMs: 5 }) },
  ]) {
    test(`${when} ends promptly with its reason, and the connection with it`, async () => {
      await using source = await startSource()
      await using fetcher = startFetcher()
      const aborting = new AbortController()
      setTimeout(() => aborting.abort(reason), 50)
      const startedAt = performance.now()
      const fetched = fetcher.fetch(source.at('/x', behaviour), { signal: aborting.signal })
      await assert.rejects(fetched, (error) => error === reason)
      assert(performance.now() - startedAt < 1000)
      await source.idle()
    })
  }

  test('while the name is resolved ends promptly with its reason', async () => {
    await using fetcher = startFetcher({ resolve: () => new Promise(() => {}) })
    const aborting = new AbortController()
    setTimeout(() => aborting.abort(reason), 50)
    const fetched = fetcher.fetch(new URL('http://files.example/x'), { signal: aborting.signal })
    await assert.rejects(fetched, (error) => error === reason)
  })

  test('between opening and reading is met by the reader', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher()
    const aborting = new AbortController()
    const url = source.at('/x', stall(BYTES, { afterBytes: 1000 }))
    const body = await fetcher.open(url, { sizeInBytes: BYTES.length, signal: aborting.signal })
    aborting.abort(reason)
    await source.idle()
    await assert.rejects(Array.fromAsync(body), (error) => error === reason)
  })
})

test('a fetch leaves nothing behind on the signal of its caller, however it ends', async () => {
  await using source = await startSource()
  await using fetcher = startFetcher()
  const { signal } = new AbortController()
  await fetcher.fetch(source.at('/good', serveBytes(BYTES)), { signal })
  await failureOf(fetcher.fetch(source.at('/missing', answerStatus(404)), { signal }), 'SourceStatus')
  await failureOf(fetcher.fetch(source.at('/x', closeEarly(BYTES, { afterBytes: 9 })), { signal }), 'SourceTruncated')
  await delay(20) // the body closes after its last byte was read
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})

test('leaving the iteration ends the connection', async () => {
  await using source = await startSource()
  await using fetcher = startFetcher()
  const url = source.at('/x', stall(BYTES, { afterBytes: 1000 }))
  for await (const chunk of await fetcher.open(url, { sizeInBytes: BYTES.length, signal: NEVER })) {
    assert(chunk.length > 0)
    break
  }
  await source.idle()
})

test('closing ends what is still being read', async () => {
  await using source = await startSource()
  const policy = createSourcePolicy([parseAllowedSource('127.0.0.1')])
  const { open, close } = openHttpSource({ policy, version: '0' })
  const url = source.at('/x', stall(BYTES, { afterBytes: 1000 }))
  const body = await open(url, { sizeInBytes: BYTES.length, signal: NEVER })
  const read = failureOf(Array.fromAsync(body), 'SourceTruncated')
  await close()
  await read
  await source.idle()
})

describe('the address that is dialled', () => {
  test('is the one that was checked: the name is resolved once for a connection', async () => {
    await using source = await startSource()
    const answers = [['127.0.0.1'], ['127.0.0.2']]
    await using fetcher = startFetcher({
      allow: ['127.0.0.1'],
      resolve: async () => answers.shift() ?? assert.fail('resolved a third time'),
    })
    source.at('/x', serveBytes(BYTES))
    const url = new URL(`http://rebinding.example:${source.port}/x`)
    assert.equal((await fetcher.fetch(url)).length, BYTES.length)
    assert.equal(answers.length, 1)
    assert.equal(source.requests[0]?.headers.host, url.host)
  })

  test('is never a refused one, also where the name has allowed ones too', { skip: WITHOUT_IPV6 }, async () => {
    await using refused = await startSource({ host: '::1' })
    await using source = await startSource()
    await using fetcher = startFetcher({
      allow: ['127.0.0.1'],
      resolve: async () => ['::1', '127.0.0.1'],
    })
    refused.at('/x', serveBytes(BYTES))
    const url = new URL(`http://files.example:${refused.port}/x`)
    // On the same port 127.0.0.1 does not listen, so only the refused address could have answered.
    assert.equal((await failureOf(fetcher.fetch(url), 'SourceUnreachable')).mayRecover, true)
    assert.equal(refused.connectionsMade(), 0)

    source.at('/x', serveBytes(BYTES))
    assert.equal((await fetcher.fetch(new URL(`http://files.example:${source.port}/x`))).length, BYTES.length)
  })

  test('falls back to the next allowed one when the first does not answer', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ allow: ['localhost'], resolve: async () => ['::1', '127.0.0.1'] })
    source.at('/x', serveBytes(BYTES))
    assert.equal((await fetcher.fetch(new URL(`http://localhost:${source.port}/x`))).length, BYTES.length)
  })

  test('is checked for every host: an open connection of another name to the same address is not used', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ allow: ['good.example'], resolve: async () => ['127.0.0.1'] })
    source.at('/x', serveBytes(BYTES))
    await fetcher.fetch(new URL(`http://good.example:${source.port}/x`))
    await failureOf(fetcher.fetch(new URL(`http://bad.example:${source.port}/x`)), 'SourceRefused')
    assert.equal(source.requests.length, 1)
  })

  test('is refused on another port than the one allowed, and the message says which option would help', async () => {
    await using source = await startSource()
    await using fetcher = startFetcher({ allow: ['127.0.0.1:1'] })
    const url = new URL('?sig=secret', source.at('/x', serveBytes(BYTES)))
    const error = await failureOf(fetcher.fetch(url), 'SourceRefused')
    assert.equal(
      error.message,
      `http://127.0.0.1:${source.port}/x is not fetched: 127.0.0.1 is a loopback address. Use a public address, or let ` +
        `the operator allow this one with --allow-source 127.0.0.1:${source.port}.`,
    )
    assert.equal(error.mayRecover, false)
    assert.equal(source.connectionsMade(), 0)
  })

  test('may be an IPv6 one', { skip: WITHOUT_IPV6 }, async () => {
    await using source = await startSource({ host: '::1' })
    await using fetcher = startFetcher({ allow: [`[::1]:${source.port}`] })
    assert.equal((await fetcher.fetch(source.at('/x', serveBytes(BYTES)))).length, BYTES.length)
  })
})

describe('over https', async () => {
  const tls = await makeCertificate(['localhost', 'files.example'], ['127.0.0.1'])
  const resolve = async () => ['127.0.0.1']

  for (const host of ['localhost', 'LOCALHOST.', '127.0.0.1']) {
    test(`a certificate for ${host} is accepted`, async () => {
      await using source = await startSource({ tls })
      await using fetcher = startFetcher({ ca: tls.cert, resolve })
      source.at('/x', serveBytes(BYTES))
      assert.equal((await fetcher.fetch(new URL(`https://${host}:${source.port}/x`))).length, BYTES.length)
      assert.equal(source.requests[0]?.servername, host === '127.0.0.1' ? 'false' : 'localhost')
    })
  }

  test('a certificate for another name is not', async () => {
    await using source = await startSource({ tls })
    await using fetcher = startFetcher({ ca: tls.cert, resolve })
    const url = new URL(`https://other.example:${source.port}/x`)
    const error = await failureOf(fetcher.fetch(url), 'SourceUnreachable')
    assert.match(error.message, /does not match certificate/)
    assert.equal(error.mayRecover, false)
    assert.equal(source.requests.length, 0)
  })

  test('a certificate of an unknown authority is not', async () => {
    await using source = await startSource({ tls })
    await using fetcher = startFetcher({ resolve })
    const error = await failureOf(fetcher.fetch(new URL(`https://localhost:${source.port}/x`)), 'SourceUnreachable')
    assert.match(error.message, /self-signed certificate/)
    assert.equal(error.mayRecover, false)
  })

  test('a redirect to http is followed only to a host that the operator allows', async () => {
    await using secure = await startSource({ tls })
    await using plain = await startSource()
    plain.at('/firmware.bin', serveBytes(BYTES))
    const url = secure.at('/x', redirectTo(`http://files.example:${plain.port}/firmware.bin?sig=secret`))

    await using strict = startFetcher({ ca: tls.cert, resolve })
    const error = await failureOf(strict.fetch(url), 'SourceRefused')
    assert(error.message.includes(`--allow-source files.example:${plain.port}`), error.message)
    assert.equal(plain.connectionsMade(), 0)

    await using lenient = startFetcher({ ca: tls.cert, resolve, allow: ['127.0.0.1', 'files.example'] })
    assert.equal((await lenient.fetch(url)).length, BYTES.length)
  })
})

async function startSilentServer(): Promise<{ port: number } & AsyncDisposable> {
  const sockets: net.Socket[] = []
  const server = net.createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

async function makeCertificate(names: string[], addresses: string[]): Promise<{ key: string; cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test source',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: 'dns' as const, value })),
        ...addresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
    ],
  })
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { key, cert: certificate.toString('pem') }
}
