import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StorePatience } from '../../src/adapters/object-store/call-store.ts'
import { type BlobName, newBlobName } from '../../src/domain/blob.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import { type FrontRequest, type HttpFront, startHttpFront } from '../support/http-front.ts'
import { eventually } from '../support/operation-end.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

/** A server of an object store, and how its requests look. */
export interface ObjectStoreUnderTest extends AsyncDisposable {
  port: number
  /** Opens a store on the server, by way of this loopback port. Other prefixes are other stores. */
  open(options: { port: number; patience: StorePatience; place: string; prefix: string }): Promise<BlobStore>
  isPart(request: FrontRequest): boolean
  isCompletion(request: FrontRequest): boolean
  /** Whether it says of a damaged body that it is damaged, as the real service does, and not just that it is wrong. */
  tellsDamage: boolean
  /** Whether it lists what other processes left incomplete. */
  findsLeftovers: boolean
}

const MiB = 1024 * 1024
const PATIENCE: StorePatience = { connectTimeoutMs: 2000, idleTimeoutMs: 3000, pausesMs: [10, 20, 40, 80] }
/** Gives up on silent connections soon. */
const HASTE: StorePatience = { ...PATIENCE, idleTimeoutMs: 800 }

/** What object stores promise beside the contract of all blob stores: what they do when networks and servers misbehave. */
export function objectStoreFaults(name: string, start: () => Promise<ObjectStoreUnderTest>): void {
  let server: ObjectStoreUnderTest
  let front: HttpFront

  /** A store of its own, behind the front. */
  async function openStore(options: { patience?: StorePatience; port?: number; place?: string; prefix?: string } = {}) {
    const { patience = PATIENCE, port = front.port, prefix = '' } = options
    return await server.open({ port, patience, place: options.place ?? newPlace(), prefix })
  }

  describe(`object store: ${name}`, () => {
    before(async () => {
      server = await start()
      front = await startHttpFront({ targetPort: server.port })
    })
    after(async () => {
      await front[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })

    function withFront(sentence: string, body: () => Promise<void>): void {
      test(sentence, async () => {
        front.fault = () => undefined
        front.requests.length = 0
        await body()
      })
    }

    withFront('a blob of many parts reads back, whole and in ranges', async () => {
      const store = await openStore()
      const blob = sample(13 * MiB + 5)
      await put(store, blob)
      assert.equal(await store.size(blob.name), blob.bytes.length)
      assert.ok(blob.bytes.equals(await read(store, blob.name)))
      const range = { start: 5 * MiB - 1, end: 11 * MiB }
      assert.ok(blob.bytes.subarray(range.start, range.end + 1).equals(await read(store, blob.name, range)))
      assert.equal(front.requests.filter((line) => isPart(line)).length, 3)
    })

    withFront('a store that is overloaded for a while is asked again, whatever it was asked', async () => {
      const seen = new Set<string>()
      front.fault = ({ method, url }) => {
        const request = `${method} ${url.replace(/block(id)?=[^&]+/, '')}`
        if (seen.has(request)) return undefined
        seen.add(request)
        return { status: 503, code: seen.size % 2 === 0 ? 'ServerBusy' : 'SlowDown' }
      }
      const store = await openStore()
      const [large, small] = [sample(6 * MiB), sample(1000)]
      await put(store, large)
      await put(store, small)
      assert.equal(await store.size(small.name), 1000)
      assert.equal((await Array.fromAsync(store.list())).length, 2)
      assert.ok(large.bytes.equals(await read(store, large.name)))
      await store.delete(large.name)
      await store.delete(small.name)
      assert.equal(await store.dropAbandoned(0), 0)
      assert.ok(seen.size > 8)
    })

    withFront('an overload that does not end is an error that says so, and leaves nothing behind', async () => {
      const store = await openStore()
      const blob = sample(12 * MiB)
      front.fault = (request) => (server.isPart(request) ? { status: 503, code: 'ServerBusy' } : undefined)
      await assert.rejects(put(store, blob), (error) => {
        assert.ok(error instanceof AppError)
        assert.equal(error.code, 'StoreFailed')
        assert.ok(error.mayRecover)
        assert.match(error.message, /could not write .* 503 (ServerBusy|503|ServiceUnavailable).* \(5 tries\)/)
        return true
      })
      const tries = front.requests.filter((line) => isPart(line)).length
      assert.ok(tries >= 5 && tries <= 10, `${tries} requests for two parts`)
      front.fault = () => undefined
      assert.equal(await store.size(blob.name), undefined)
      assert.equal(await store.dropAbandoned(0), 0)
    })

    withFront('a part that broke off is sent again', async () => {
      const store = await openStore()
      const faults = [{ requestBytes: 2 * MiB }, 'reset', 'lose answer'] as const
      let parts = 0
      front.fault = (request) => (server.isPart(request) ? faults[parts++] : undefined)
      const blob = sample(11 * MiB)
      await put(store, blob)
      assert.equal(parts, 3 + 3)
      assert.ok(blob.bytes.equals(await read(store, blob.name)))
    })

    withFront('bytes that came damaged are noticed by the store', async () => {
      const store = await openStore()
      for (const sizeInBytes of [300_000, 6 * MiB]) {
        const blob = sample(sizeInBytes)
        let damaged = 0
        front.fault = ({ method }) => (method === 'PUT' && damaged++ === 0 ? 'damage' : undefined)
        if (server.tellsDamage) {
          await put(store, blob)
          assert.ok(blob.bytes.equals(await read(store, blob.name)))
        } else {
          await assert.rejects(put(store, blob), { code: 'StoreFailed', message: /could not write .* 400/ })
          assert.equal(await store.size(blob.name), undefined)
        }
      }
    })

    withFront('a blob is committed though the answer to its last request was lost', async () => {
      const store = await openStore()
      for (const sizeInBytes of [0, 2000, 6 * MiB]) {
        const blob = sample(sizeInBytes)
        let isLost = false
        front.fault = (request) => {
          const isLast = sizeInBytes < MiB ? request.method === 'PUT' : server.isCompletion(request)
          if (isLost || !isLast) return undefined
          isLost = true
          return 'lose answer'
        }
        await put(store, blob)
        assert.ok(isLost)
        assert.ok(blob.bytes.equals(await read(store, blob.name)))
      }
      assert.equal((await Array.fromAsync(store.list())).length, 3)
    })

    withFront('a commit that failed is not taken for done because something else lies there', async () => {
      const place = newPlace()
      const [store, other] = [await openStore({ place }), await openStore({ place })]
      for (const sizeInBytes of [2000, 6 * MiB]) {
        const blob = sample(sizeInBytes)
        await using writer = await store.create(blob)
        await writer.write(blob.bytes)
        await put(other, blob)
        await assert.rejects(writer.commit(), { code: 'StoreFailed' })
      }
    })

    withFront('connections that went silent are given up, and others take their place', async () => {
      await using proxy = await startTcpProxy({ targetPort: server.port })
      const store = await openStore({ port: proxy.port, patience: HASTE })
      const blob = sample(17 * MiB)
      await using writer = await store.create(blob)
      await writer.write(blob.bytes.subarray(0, 11 * MiB))
      proxy.silence()
      await writer.write(blob.bytes.subarray(11 * MiB))
      proxy.silence()
      await writer.commit()
      proxy.silence()
      assert.ok(blob.bytes.equals(await read(store, blob.name)))
    })

    withFront('a store that says nothing, or cannot be reached, is an error after a bounded time', async () => {
      await using proxy = await startTcpProxy({ targetPort: server.port })
      const store = await openStore({ port: proxy.port, patience: { ...HASTE, pausesMs: [10] } })
      proxy.isRefusing = true
      proxy.reset()
      await assert.rejects(store.size(sample(1).name), { code: 'StoreFailed', mayRecover: true })

      const silent = await openStore({ patience: { ...HASTE, pausesMs: [10] } })
      front.fault = () => 'silence'
      await assert.rejects(put(silent, sample(10)), {
        code: 'StoreFailed',
        message: /could not write .*nothing moved on the connection for 800 ms \(2 tries\)/,
      })
    })

    withFront('reading goes on at the next byte where the connection breaks', async () => {
      const store = await openStore()
      const blob = sample(9 * MiB)
      await put(store, blob)
      for (const range of [undefined, { start: 1_000_000, end: 7_000_000 }]) {
        let answers = 0
        front.requests.length = 0
        front.fault = ({ method }) => (method === 'GET' && answers++ < 3 ? { answerBytes: 2_000_000 } : undefined)
        const { start, end } = range ?? { start: 0, end: blob.bytes.length - 1 }
        assert.ok(blob.bytes.subarray(start, end + 1).equals(await read(store, blob.name, range)))
        assert.equal(front.requests.length, 4)
      }
    })

    withFront('reading that breaks off again and again without a byte ends in an error', async () => {
      const store = await openStore()
      const blob = sample(MiB)
      await put(store, blob)
      front.fault = () => ({ answerBytes: 0 })
      await assert.rejects(read(store, blob.name), { code: 'StoreFailed', mayRecover: true })
    })

    withFront('a blob that was deleted while it was read is missing, not cut', async () => {
      const store = await openStore()
      const blob = sample(9 * MiB)
      await put(store, blob)
      let answers = 0
      front.fault = ({ method }) => (method === 'GET' && answers++ === 0 ? { answerBytes: 3_000_000 } : undefined)
      const bytes = await store.open(blob.name)
      await store.delete(blob.name)
      await assert.rejects(Array.fromAsync(bytes), { code: 'BlobMissing' })
    })

    withFront('leaving an iteration, or never beginning it, ends the connection', async () => {
      const store = await openStore({ patience: HASTE })
      const blob = sample(14 * MiB)
      await put(store, blob)
      for await (const _ of await store.open(blob.name)) break
      await until(() => front.answering() === 0)
      await store.open(blob.name)
      await until(() => front.answering() === 1)
      await until(() => front.answering() === 0)
    })

    withFront('a reader that pauses for longer than a connection lives gets every byte', async () => {
      const store = await openStore({ patience: HASTE })
      const blob = sample(14 * MiB)
      await put(store, blob)
      const chunks: Uint8Array[] = []
      let readBytes = 0
      for await (const chunk of await store.open(blob.name)) {
        if (readBytes === 0) await sleep(1200)
        readBytes += chunk.length
        chunks.push(chunk)
      }
      assert.ok(blob.bytes.equals(Buffer.concat(chunks)))
    })

    withFront('a writer holds three parts at most, however slow the store is', async () => {
      const store = await openStore({ patience: { ...PATIENCE, idleTimeoutMs: 20_000 } })
      const blob = sample(20 * MiB)
      const gate = Promise.withResolvers<undefined>()
      front.fault = (request) => (server.isPart(request) ? gate.promise : undefined)
      await using writer = await store.create(blob)
      let taken = 0
      const writing = (async () => {
        for (let start = 0; start < blob.bytes.length; start += MiB) {
          await writer.write(blob.bytes.subarray(start, start + MiB))
          taken += 1
        }
      })()
      await sleep(300)
      assert.ok(taken >= 10 && taken <= 15, `${taken} MiB were taken`)
      gate.resolve(undefined)
      await writing
      await writer.commit()
      assert.ok(blob.bytes.equals(await read(store, blob.name)))
    })

    withFront('what a crash left is dropped when it is old, and nothing of other prefixes', async () => {
      if (!server.findsLeftovers) return
      const place = newPlace()
      const [crashed, next] = [await openStore({ place, prefix: 'a' }), await openStore({ place, prefix: 'a' })]
      const other = await openStore({ place, prefix: 'b' })
      const [blob, theirs, empty] = [sample(12 * MiB), sample(12 * MiB), sample(0)]
      await put(next, empty)
      const writer = await crashed.create(blob)
      await writer.write(blob.bytes.subarray(0, 11 * MiB))
      await using theirWriter = await other.create(theirs)
      await theirWriter.write(theirs.bytes.subarray(0, 11 * MiB))
      await sleep(100)

      assert.equal(await next.dropAbandoned(60_000), 0)
      assert.equal(await next.dropAbandoned(50, new Set([blob.name])), 0)
      // A slow machine may still be sending what was written.
      await eventually('it is dropped', async () => (await next.dropAbandoned(50)) === 1)
      assert.equal(await next.dropAbandoned(50), 0)
      assert.deepEqual(
        (await Array.fromAsync(next.list())).map(({ name }) => name),
        [empty.name],
      )
      await writer.write(blob.bytes.subarray(11 * MiB))
      await assert.rejects(writer.commit(), { code: 'StoreFailed' })
      await writer[Symbol.asyncDispose]()
      await theirWriter.write(theirs.bytes.subarray(11 * MiB))
      await theirWriter.commit()
      assert.ok(theirs.bytes.equals(await read(other, theirs.name)))
      assert.equal(await next.size(theirs.name), undefined)
    })
  })

  function isPart(line: string): boolean {
    const [method = '', url = ''] = line.split(' ')
    return server.isPart({ method, url })
  }
}

interface Sample {
  name: BlobName
  sizeInBytes: number
  bytes: Buffer
}

function sample(sizeInBytes: number): Sample {
  const bytes = randomBytes(sizeInBytes)
  return { name: newBlobName(createHash('sha256').update(bytes).digest('hex')), sizeInBytes, bytes }
}

/** The name of a container or bucket that nobody else uses. */
function newPlace(): string {
  return `p${randomBytes(8).toString('hex')}`
}

async function put(store: BlobStore, blob: Sample): Promise<void> {
  await using writer = await store.create(blob)
  for (let start = 0; start < blob.sizeInBytes; start += MiB)
    await writer.write(blob.bytes.subarray(start, start + MiB))
  await writer.commit()
}

async function read(store: BlobStore, name: BlobName, range?: { start: number; end: number }): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await store.open(name, range)))
}

async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 10) {
    assert.ok(waitedMs < 10_000, 'it did not come about within ten seconds')
    await sleep(10)
  }
}
