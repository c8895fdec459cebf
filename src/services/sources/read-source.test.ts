import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  answerStatus,
  type Behaviour,
  closeEarly,
  serveBytes,
  serveOtherBytes,
} from '../../../tests/support/misbehaving-source.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { type ReadOptions, readSource, StartOver, startingOver } from './read-source.ts'

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline()
})
after(() => pipeline?.[Symbol.asyncDispose]())

const BYTES = new Uint8Array(1_000_000).map((_, index) => index % 251)
const QUICK = { triesMax: 4, pauseMs: 1 }

let number = 0
/** A source that behaves in one way after the other, and in the last way from then on. */
function sourceOf(...behaviours: Behaviour[]) {
  number += 1
  const path = `/read/${number}`
  const url = pipeline.source.at(path, (request, response) => {
    const behave = behaviours.length > 1 ? behaviours.shift() : behaviours[0]
    behave?.(request, response)
  })
  const requests = () => pipeline.source.requests.filter((request) => request.path === path)
  return { url, requests }
}

async function read(url: URL, options: Partial<ReadOptions> = {}): Promise<{ bytes: Buffer; isStitched: boolean }> {
  const { openSource } = pipeline
  const { signal } = new AbortController()
  const reading = readSource({ url, sizeInBytes: BYTES.length }, { openSource, signal, retry: QUICK, ...options })
  const bytes = Buffer.concat(await Array.fromAsync(reading, (chunk) => Buffer.from(chunk)))
  return { bytes, isStitched: reading.isStitched }
}

/** Sends this much of what it is asked for, with ranges and an ETag as a good source, and breaks off. */
function breakOffAfter(bytes: number): Behaviour {
  return (request, response) => {
    const end = response.end.bind(response)
    response.end = ((chunk: Uint8Array) => {
      const part = chunk.subarray(0, bytes)
      response.write(part, () => (part.length < chunk.length ? response.socket?.destroy() : end()))
      return response
    }) as typeof response.end
    serveBytes(BYTES)(request, response)
  }
}

test('a source that breaks off is gone on with at the next byte', async () => {
  const { url, requests } = sourceOf(breakOffAfter(400_000), breakOffAfter(300_000), serveBytes(BYTES))
  const { bytes, isStitched } = await read(url)
  assert.ok(bytes.equals(BYTES))
  assert.equal(isStitched, true)
  const [first, ...others] = requests().map(({ headers }) => headers.range)
  assert.equal(first, undefined)
  assert.equal(others.length, 2)
  for (const range of others) assert.match(range ?? '', /^bytes=[1-9]\d+-$/)
})

test('what one answer brings is not stitched', async () => {
  assert.equal((await read(sourceOf(serveBytes(BYTES)).url)).isStitched, false)
})

test('without an ETag everything is asked for again, and what came before is skipped', async () => {
  const early = closeEarly(BYTES, { afterBytes: 700_000 })
  const { url, requests } = sourceOf(early, early, answerAll)
  const { bytes, isStitched } = await read(url)
  assert.ok(bytes.equals(BYTES))
  assert.equal(isStitched, true)
  assert.deepEqual(
    requests().map(({ headers }) => headers.range),
    [undefined, undefined, undefined],
  )
})

const answerAll: Behaviour = (_request, response) => {
  response.writeHead(200, { 'content-length': BYTES.length }).end(BYTES)
}

test('a file with another ETag is read from its start', async () => {
  const { url } = sourceOf(breakOffAfter(400_000), serveOtherBytes(BYTES))
  await assert.rejects(read(url), StartOver)
})

for (const [what, behaviour] of [
  ['is away', answerStatus(503)],
  ['has no time', answerStatus(429)],
  ['waited too long', answerStatus(408)],
  ['hangs up', (_request, response) => response.socket?.destroy()],
] satisfies [string, Behaviour][]) {
  test(`a source that ${what} for a while is asked again`, async () => {
    const { url, requests } = sourceOf(behaviour, behaviour, serveBytes(BYTES))
    assert.ok((await read(url)).bytes.equals(BYTES))
    assert.equal(requests().length, 3)
  })
}

for (const status of [400, 401, 403, 404, 410, 501]) {
  test(`the status ${status} is final`, async () => {
    const { url, requests } = sourceOf(answerStatus(status), serveBytes(BYTES))
    await assert.rejects(read(url), { code: 'SourceStatus' })
    assert.equal(requests().length, 1)
  })
}

test('after so many tries in a row without a byte the last failure is thrown, with their number', async () => {
  const { url, requests } = sourceOf(answerStatus(500), answerStatus(502), answerStatus(503))
  await assert.rejects(read(url), { code: 'SourceStatus', message: /answered 503 .* Given up after 4 tries\.$/ })
  assert.equal(requests().length, 4)
})

test('each byte that comes gives new tries', async () => {
  const drops = Array.from({ length: 9 }, () => breakOffAfter(100_000))
  assert.ok((await read(sourceOf(...drops, serveBytes(BYTES)).url)).bytes.equals(BYTES))
})

test('pauses grow, differ, and are as long as Retry-After asks for', async () => {
  const began = performance.now()
  const { url } = sourceOf(answerStatus(503, { headers: { 'retry-after': '1' } }), serveBytes(BYTES))
  await read(url)
  assert.ok(performance.now() - began >= 1000)

  const times: number[] = []
  const refused: Behaviour = (request, response) => {
    times.push(performance.now())
    answerStatus(503)(request, response)
  }
  await assert.rejects(read(sourceOf(refused).url, { retry: { triesMax: 4, pauseMs: 40 } }))
  const [first = 0, second = 0, third = 0] = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  assert.ok(first >= 20 && second >= 40 && third >= 80, `${first} ${second} ${third}`)
})

test('a pause ends with the signal', async () => {
  const aborting = new AbortController()
  const reading = read(sourceOf(answerStatus(503)).url, {
    signal: aborting.signal,
    retry: { triesMax: 2, pauseMs: 60_000 },
  })
  setTimeout(() => aborting.abort(new Error('parked')), 50)
  await assert.rejects(reading, (error: Error) => error.name === 'AbortError' || error.message === 'parked')
})

test('what begins behind the first byte asks for the rest only, and for nothing where all is there', async () => {
  const { url, requests } = sourceOf(serveBytes(BYTES))
  let etag = ''
  await read(url, {
    onAnswer: async (answer) => {
      etag = answer.etag ?? ''
    },
  })
  const rest = await read(url, { from: { position: 900_000, etag } })
  assert.ok(rest.bytes.equals(BYTES.subarray(900_000)))
  assert.equal(rest.isStitched, true)
  assert.equal(requests().length, 2)
  assert.equal((await read(url, { from: { position: BYTES.length, etag } })).bytes.length, 0)
  assert.equal(requests().length, 2)
})

test('an answer with another ETag is not left open unread', { timeout: 10_000 }, async () => {
  const { promise: isClosed, resolve: close } = Promise.withResolvers<void>()
  const { url } = sourceOf(breakOffAfter(400_000), (_request, response) => {
    response.on('close', close).writeHead(200, { 'content-length': BYTES.length, etag: '"another"' })
    response.flushHeaders()
  })
  await assert.rejects(read(url), StartOver)
  await isClosed
})

test('starting over ends', async () => {
  let starts = 0
  const reading = startingOver(async () => {
    starts += 1
    return await read(sourceOf(breakOffAfter(400_000), serveOtherBytes(BYTES)).url)
  })
  await assert.rejects(reading, { code: 'SourceChanged' })
  assert.equal(starts, 3)
})
