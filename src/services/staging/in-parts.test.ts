import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { seededBytes } from '../../../tests/support/seeded-bytes.ts'
import { BodyBroken, inParts } from './in-parts.ts'
import { createPartBuffers } from './part-buffers.ts'

const PART_BYTES = 1000

interface Taken {
  parts: Buffer[]
  error?: unknown
}

/** All parts of a body, and what came instead of its end. */
async function take(
  body: AsyncIterable<Uint8Array>,
  {
    buffers = createPartBuffers({ count: 1, sizeInBytes: PART_BYTES }),
    signal = new AbortController().signal,
    turnMs = 60_000,
    bytesMax = PART_BYTES,
  }: Partial<Parameters<typeof inParts>[1]> = {},
): Promise<Taken> {
  const parts: Buffer[] = []
  try {
    for await (const { bytes, sha256 } of inParts(body, { buffers, bytesMax, signal, turnMs })) {
      parts.push(Buffer.from(bytes))
      assert.equal(sha256, createHash('sha256').update(bytes).digest('hex'))
    }
    return { parts }
  } catch (error) {
    return { parts, error }
  }
}

async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

test('bytes are divided into full parts and a rest, whatever chunks they come in', async () => {
  const bytes = seededBytes('parts', 3500)
  for (const chunkBytes of [1, 333, 1000, 2600, 3500]) {
    const { parts, error } = await take(inChunks(bytes, chunkBytes))
    assert.equal(error, undefined)
    assert.deepEqual(
      parts.map(({ length }) => length),
      [1000, 1000, 1000, 500],
      `chunks of ${chunkBytes}`,
    )
    assert.deepEqual(Buffer.concat(parts), bytes)
  }
  assert.deepEqual(await take(inChunks(bytes.subarray(0, 2000), 500)), {
    parts: [bytes.subarray(0, 1000), bytes.subarray(1000, 2000)],
  })
  assert.deepEqual(await take(inChunks(Buffer.of(), 1)), { parts: [] })
})

test('of a body that breaks off, what came is a part, and then the error comes', async () => {
  const broken = new Error('the connection broke')
  const { parts, error } = await take(
    (async function* () {
      yield seededBytes('broken', 1300)
      throw broken
    })(),
  )
  assert.deepEqual(Buffer.concat(parts), seededBytes('broken', 1300))
  assert.ok(error instanceof BodyBroken)
  assert.equal(error.cause, broken)
})

test('a client that is slow has its part ended after a turn, so that others have theirs', async () => {
  const sent = Promise.withResolvers<void>()
  const buffers = createPartBuffers({ count: 1, sizeInBytes: PART_BYTES })
  const slow = take(
    (async function* () {
      yield Buffer.from('slow ')
      await sent.promise
      yield Buffer.from('client')
    })(),
    { buffers, turnMs: 2000 },
  )
  // There is one buffer, and the slow client still sends.
  const quick = await take(inChunks(Buffer.from('quick'), 5), { buffers, turnMs: 20 })
  assert.deepEqual(quick.parts.map(String), ['quick'])
  sent.resolve()
  assert.deepEqual((await slow).parts.map(String), ['slow ', 'client'])
})

test('a client that is slow and in nobody’s way has all of its turn', async () => {
  const body = (async function* () {
    for (let sent = 0; sent < 4; sent += 1) {
      yield Buffer.from('slow')
      await delay(20)
    }
  })()
  assert.deepEqual((await take(body, { turnMs: 5000 })).parts.map(String), ['slowslowslowslow'])
})

test('a client that sends nothing holds no buffer', async () => {
  const silent = Promise.withResolvers<void>()
  const buffers = createPartBuffers({ count: 1, sizeInBytes: PART_BYTES })
  const waiting = take(
    (async function* () {
      await silent.promise
      yield Buffer.from('at last')
    })(),
    { buffers },
  )
  assert.deepEqual((await take(inChunks(Buffer.from('quick'), 5), { buffers })).parts.map(String), ['quick'])
  silent.resolve()
  assert.deepEqual((await waiting).parts.map(String), ['at last'])
})

test('a stop ends the waiting: what came is a part, and then the reason comes', async () => {
  const stopping = new AbortController()
  let isReturned = false
  const body = {
    [Symbol.asyncIterator]: () => ({
      next: (() => {
        let calls = 0
        return async () => {
          calls += 1
          if (calls === 1) return { value: Buffer.from('so far'), done: false as const }
          return await new Promise<never>(() => {})
        }
      })(),
      async return() {
        isReturned = true
        return { value: undefined, done: true as const }
      },
    }),
  }
  const taking = take(body, { signal: stopping.signal })
  await delay(20)
  const reason = new Error('the server stops')
  stopping.abort(reason)
  const { parts, error } = await taking
  assert.deepEqual(parts.map(String), ['so far'])
  assert.equal(error, reason)
  assert.ok(!isReturned, 'nobody closes the connection before it is answered')
  assert.equal((await take(inChunks(Buffer.from('late'), 4), { signal: stopping.signal })).error, reason)
})

test('a body of any length is read in bounded memory', async () => {
  const chunkBytes = 64 * 1024
  let alive = 0
  const registry = new FinalizationRegistry(() => {
    alive -= 1
  })
  let highest = 0
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const body = (async function* () {
    for (let sent = 0; sent < 800; sent += 1) {
      const chunk = Buffer.alloc(chunkBytes)
      alive += 1
      registry.register(chunk, undefined)
      yield chunk
      if (sent % 100 === 0) {
        collect()
        await delay(5)
        highest = Math.max(highest, alive)
      }
    }
  })()
  const buffers = createPartBuffers({ count: 1, sizeInBytes: 16 * chunkBytes })
  let total = 0
  for await (const { bytes } of inParts(body, {
    buffers,
    bytesMax: Number.MAX_SAFE_INTEGER,
    signal: new AbortController().signal,
    turnMs: 60_000,
  }))
    total += bytes.length
  assert.equal(total, 800 * chunkBytes)
  assert.ok(highest < 200, `${highest} chunks are kept`)
})
