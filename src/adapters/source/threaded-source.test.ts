import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  answerStatus,
  type Behaviour,
  claimLength,
  closeEarly,
  neverAnswer,
  redirectLoop,
  serveBytes,
  stall,
  startSource,
  trickle,
} from '../../../tests/support/misbehaving-source.ts'
import { AppError } from '../../domain/errors.ts'
import { BLOCK_BYTES, isBlock, returnBlock } from '../../ports/block.ts'
import { createOwnEndpoints } from './own-endpoints.ts'
import { openHttpSource } from './source-http.ts'
import { type AllowedSource, createSourcePolicy, parseAllowedSource } from './source-policy.ts'
import { openThreadedSource } from './threaded-source.ts'

const BYTES = Buffer.alloc(5 * BLOCK_BYTES + 17, 'some bytes, again and again. ')
const NEVER = new AbortController().signal
const LOOPBACK = [parseAllowedSource('127.0.0.0/8')]
const LIMITS = { silenceMs: 300, connectMs: 1000 }

function startThreaded({ allowed = LOOPBACK, own = createOwnEndpoints() } = {}) {
  const source = openThreadedSource({ allowed, own, limits: LIMITS, version: '1.2.3' })
  return { ...source, [Symbol.asyncDispose]: () => source.close() }
}
function startHere() {
  const source = openHttpSource({ policy: createSourcePolicy(LOOPBACK), limits: LIMITS, version: '1.2.3' })
  return { ...source, [Symbol.asyncDispose]: () => source.close() }
}

/** What comes until the end or a failure. */
async function readAll(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Buffer; chunks: number; failure?: unknown }> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of bytes) chunks.push(Buffer.from(chunk))
    return { bytes: Buffer.concat(chunks), chunks: chunks.length }
  } catch (failure) {
    return { bytes: Buffer.concat(chunks), chunks: chunks.length, failure }
  }
}

test('all bytes arrive in blocks, which may be used again at once', async () => {
  await using source = await startSource()
  await using threaded = startThreaded()
  const url = source.at('/x', serveBytes(BYTES))
  const reads = [1, 2, 3].map(async () => {
    const body = await threaded.open(url, { sizeInBytes: BYTES.length, signal: NEVER })
    assert.equal(body.sizeInBytes, BYTES.length)
    assert.match(String(body.etag), /^".+"$/)
    let position = 0
    for await (const chunk of body) {
      assert.ok(isBlock(chunk))
      assert.ok(BYTES.subarray(position, position + chunk.length).equals(chunk), `bytes from ${position} on`)
      position += chunk.length
      returnBlock(chunk.fill(0))
    }
    assert.equal(position, BYTES.length)
  })
  await Promise.all(reads)
  assert.equal(source.requests[0]?.headers['user-agent'], 'aduana/1.2.3')
})

test('what is asked for from a byte on begins there', async () => {
  await using source = await startSource()
  await using threaded = startThreaded()
  const url = source.at('/x', serveBytes(BYTES))
  const options = { sizeInBytes: BYTES.length, signal: NEVER }
  const { etag = '' } = await threaded.open(url, options)
  const body = await threaded.open(url, { ...options, from: { position: 4_000_000, etag } })
  assert.equal(body.start, 4_000_000)
  assert.ok((await readAll(body)).bytes.equals(BYTES.subarray(4_000_000)))
})

describe('it fails as it would here', () => {
  const cases: [string, Behaviour][] = [
    ['a status that may recover', answerStatus(503, { headers: { 'retry-after': '7' } })],
    ['a status that does not', answerStatus(404)],
    ['redirects without an end', redirectLoop],
    ['another length', claimLength(BYTES, { claimedBytes: 3 })],
    ['a source that breaks off', closeEarly(BYTES, { afterBytes: 3_000_000 })],
    ['a source that falls silent', stall(BYTES, { afterBytes: 3_000_000 })],
    ['a source that says nothing', neverAnswer],
  ]
  for (const [what, behaviour] of cases) {
    test(what, async () => {
      await using source = await startSource()
      await using here = startHere()
      await using threaded = startThreaded()
      const url = source.at('/x', behaviour)
      const [expected, actual] = await Promise.all(
        [here, threaded].map(async ({ open }) => {
          const opened = open(url, { sizeInBytes: BYTES.length, signal: NEVER })
          return await opened.then(readAll, (failure: unknown) => ({ bytes: Buffer.of(), failure }))
        }),
      )
      assert.ok(expected?.failure instanceof AppError && actual?.failure instanceof AppError, String(actual?.failure))
      // What came before is handed on, so that reading may go on behind it.
      assert.equal(actual.bytes.length, expected.bytes.length)
      const factsOf = ({ cause: _, stack: __, ...facts }: AppError) => facts
      assert.deepEqual(factsOf(actual.failure), factsOf(expected.failure))
      assert.equal(actual.failure.message, expected.failure.message)
    })
  }

  test('an address that is not allowed, and one that became the server’s own afterwards', async () => {
    await using source = await startSource()
    const own = createOwnEndpoints()
    await using threaded = startThreaded({ own })
    await using strict = startThreaded({ allowed: [] })
    const url = source.at('/x', serveBytes(BYTES))
    const options = { sizeInBytes: BYTES.length, signal: NEVER }
    await assert.rejects(strict.open(url, options), { code: 'SourceRefused', message: /a loopback address/ })
    await using _ = await threaded.open(url, options)
    own.add({ port: source.port })
    await assert.rejects(threaded.open(url, options), {
      code: 'SourceRefused',
      message: /a port of this server itself/,
    })
  })
})

test('bytes that come slowly are handed on before a block is full', async () => {
  await using source = await startSource()
  await using threaded = startThreaded()
  const url = source.at('/x', trickle(BYTES.subarray(0, 50), { everyMs: 20 }))
  const { bytes, chunks } = await readAll(await threaded.open(url, { sizeInBytes: 50, signal: NEVER }))
  assert.equal(bytes.length, 50)
  assert.ok(chunks > 1 && chunks < 20, `${chunks} blocks for a second`)
})

test('nothing is read far ahead of a slow reader', async () => {
  await using source = await startSource()
  await using threaded = startThreaded()
  const large = Buffer.alloc(64 * BLOCK_BYTES)
  let sent = 0
  const url = source.at('/x', (_request, response) => {
    response.writeHead(200, { 'content-length': large.length })
    response.end(large)
    response.socket?.on('close', () => {
      sent = response.socket?.bytesWritten ?? sent
    })
    const watching = setInterval(() => {
      sent = (response.socket?.bytesWritten ?? 0) - (response.socket?.writableLength ?? 0)
    }, 10)
    response.on('close', () => clearInterval(watching))
  })
  await using body = await threaded.open(url, { sizeInBytes: large.length, signal: NEVER })
  await body[Symbol.asyncIterator]().next()
  await delay(300)
  // Two blocks, and what the kernel holds on both sides.
  assert.ok(sent < 24 * BLOCK_BYTES, `${sent} bytes were sent`)
})

describe('the connection ends', () => {
  const reason = new Error('no longer wanted')
  test('with the signal, while the source says nothing and while it stalls', async () => {
    await using source = await startSource()
    await using threaded = startThreaded()
    for (const behaviour of [neverAnswer, stall(BYTES, { afterBytes: 1000 })]) {
      const aborting = new AbortController()
      setTimeout(() => aborting.abort(reason), 50)
      const url = source.at('/x', behaviour)
      const read = async () => {
        const body = await threaded.open(url, { sizeInBytes: BYTES.length, signal: aborting.signal })
        await Array.fromAsync(body)
      }
      await assert.rejects(read(), (error) => error === reason)
      await source.idle()
      assert.deepEqual(getEventListeners(aborting.signal, 'abort'), [])
    }
  })

  test('when the reader leaves, and when a body is disposed of that nobody reads', async () => {
    await using source = await startSource()
    await using threaded = startThreaded()
    const url = source.at('/x', stall(BYTES, { afterBytes: 3 * BLOCK_BYTES }))
    const options = { sizeInBytes: BYTES.length, signal: NEVER }
    for await (const _ of await threaded.open(url, options)) break
    await source.idle()
    await (await threaded.open(url, options))[Symbol.asyncDispose]()
    await source.idle()
  })

  test('with the thread; what was being read may be asked for again', async () => {
    await using source = await startSource()
    const threaded = startThreaded()
    const body = await threaded.open(source.at('/x', stall(BYTES, { afterBytes: 3 * BLOCK_BYTES })), {
      sizeInBytes: BYTES.length,
      signal: NEVER,
    })
    const reading = readAll(body)
    await delay(50)
    await threaded.close()
    const { failure } = await reading
    assert.ok(failure instanceof AppError && failure.mayRecover, String(failure))
    await source.idle()
    await assert.rejects(threaded.open(source.at('/x', neverAnswer), { sizeInBytes: undefined, signal: NEVER }))
  })
})

test('a thread that dies is told with its cause, and the next reading makes another', async () => {
  const allowed: AllowedSource[] = [{ range: 'no range' }]
  await using threaded = startThreaded({ allowed })
  for (let tries = 0; tries < 2; tries += 1) {
    await assert.rejects(threaded.open(new URL('http://127.0.0.1:9/x'), { sizeInBytes: 1, signal: NEVER }), (error) => {
      assert.ok(error instanceof AppError && error.mayRecover)
      assert.ok(error.cause instanceof Error, String(error.cause))
      return true
    })
  }
})
