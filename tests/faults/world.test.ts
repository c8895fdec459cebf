import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { AppError } from '../../src/domain/errors.ts'
import { endStatements } from '../../src/store/operations/attempts.ts'
import { listFiles } from '../../src/store/updates/files.ts'
import { findUpdate } from '../../src/store/updates/updates.ts'
import { breaking, inTurn } from '../support/breaking-source.ts'
import {
  answerStatus,
  type Behaviour,
  claimLength,
  closeEarly,
  sendMore,
  serveBytes,
  serveOtherBytes,
  stall,
} from '../support/misbehaving-source.ts'
import { paced } from '../support/paced.ts'
import { type PublishedUpdate, publishUpdate, requestsFor } from '../support/publish-update.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type Pipeline, startPipeline } from '../support/start-pipeline.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { checkData } from './check-data.ts'
import { innermostError } from './innermost-of.ts'

const KiB = 1024
const SIZE = 3 * 1024 * KiB
const BYTES = seededBytes('world', SIZE)
const HALF = SIZE / 2
/** Beyond the file itself: heads of answers, the manifest, what was on its way when a connection broke. */
const SENT_MAX = SIZE * 1.3
const TRIES = 4
const RETRY = { triesMax: TRIES, pauseMs: 1 }

/** Answers the first request half, then the rest in this way. */
const brokenThen = (...behaviours: Behaviour[]) => inTurn(breaking(serveBytes(BYTES), [HALF]), ...behaviours)

/** A wrong answer to a request for a range; whoever asks for the whole gets it. */
function answerRange(
  answer: (start: number) => { status?: number; headers?: Record<string, string>; body: Uint8Array },
) {
  const whole = serveBytes(BYTES)
  return ((request, response) => {
    const start = /^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1]
    if (start === undefined) return whole(request, response)
    const { status = 206, headers = {}, body } = answer(Number(start))
    response.writeHead(status, { 'content-length': body.length, ...headers }).end(body)
  }) satisfies Behaviour
}

const rangeOf = (start: number, { end = SIZE - 1, total = SIZE } = {}) => ({
  'content-range': `bytes ${start}-${end}/${total}`,
})

describe('a source that', () => {
  let pipeline: Pipeline
  let proxy: TcpProxy
  beforeEach(async () => {
    pipeline = await startPipeline({ onDisk: true, limits: { silenceMs: 150 } })
    proxy = await startTcpProxy({ targetPort: pipeline.source.port })
  })
  afterEach(async () => {
    await proxy?.[Symbol.asyncDispose]()
    await pipeline?.[Symbol.asyncDispose]()
  })

  /** Sources from which the right bytes come in the end. */
  const mending: Record<string, { behaviour: () => Behaviour; sentMax?: number; isAskedForRanges?: boolean }> = {
    'breaks at random places, each time': {
      behaviour: () => {
        const random = seededRandom(Date.now(), 'breaks')
        return breaking(
          serveBytes(BYTES),
          Array.from({ length: 12 }, () => random.whole(0, SIZE / 8)),
        )
      },
      sentMax: SENT_MAX,
    },
    'breaks before it has sent a byte': { behaviour: () => breaking(serveBytes(BYTES), [0, 0]), sentMax: SENT_MAX },
    'breaks one byte before the end': { behaviour: () => breaking(serveBytes(BYTES), [SIZE - 1]), sentMax: SENT_MAX },
    'goes silent in the middle, twice': {
      behaviour: () => breaking(serveBytes(BYTES), [{ stallAfter: HALF }, { stallAfter: HALF / 2 }]),
      sentMax: SENT_MAX,
    },
    'breaks and knows no ranges': {
      behaviour: () => breaking(serveBytes(BYTES, { ranges: false }), [HALF, HALF / 2, SIZE - 1]),
    },
    'breaks and gives no ETag': {
      behaviour: () =>
        breaking(
          (_request, response) => {
            response.writeHead(200, { 'content-length': SIZE }).end(BYTES)
          },
          [HALF, HALF],
        ),
    },
    'breaks and gives a weak ETag, which vouches for nothing': {
      behaviour: () => {
        const serve = serveBytes(BYTES)
        const serveWeak: Behaviour = (request, response) => {
          const setHeader = response.setHeader.bind(response)
          response.setHeader = (name, value) => setHeader(name, name === 'etag' ? `W/${value}` : value)
          serve(request, response)
        }
        return breaking(serveWeak, [HALF])
      },
      isAskedForRanges: false,
    },
    'breaks and has another file by then, the right one': {
      behaviour: () => inTurn(breaking(serveOtherBytes(BYTES), [HALF]), serveBytes(BYTES)),
    },
    'breaks and goes on with other bytes under the same ETag, once': {
      behaviour: () =>
        brokenThen(
          answerRange((start) => ({ headers: rangeOf(start), body: BYTES.subarray(start).map((byte) => byte ^ 1) })),
          serveBytes(BYTES),
        ),
    },
    'breaks and goes on at another byte': {
      behaviour: () =>
        brokenThen(answerRange((start) => ({ headers: rangeOf(start - 1), body: BYTES.subarray(start - 1) }))),
    },
    'breaks and goes on at another byte without saying so': {
      behaviour: () =>
        brokenThen(
          answerRange((start) => ({ headers: rangeOf(start), body: BYTES.subarray(start - 7, SIZE - 7) })),
          serveBytes(BYTES),
        ),
    },
    'breaks and sends everything when asked for the rest': {
      behaviour: () => brokenThen(serveBytes(BYTES, { ranges: false })),
    },
    'breaks and says 416 when asked for the rest': {
      behaviour: () =>
        brokenThen(
          answerRange(() => ({ status: 416, headers: { 'content-range': `bytes */${SIZE}` }, body: Buffer.of() })),
        ),
    },
    'breaks and states another size when asked for the rest': {
      behaviour: () =>
        brokenThen(
          answerRange((start) => ({ headers: rangeOf(start, { total: SIZE + 1 }), body: BYTES.subarray(start) })),
        ),
    },
    'breaks and sends 206 without saying which part': {
      behaviour: () => brokenThen(answerRange((start) => ({ body: BYTES.subarray(start) }))),
    },
    'breaks and sends less than asked for, as a part': {
      behaviour: () =>
        brokenThen(
          answerRange((start) => ({
            headers: rangeOf(start, { end: SIZE - 2 }),
            body: BYTES.subarray(start, SIZE - 1),
          })),
        ),
    },
    'breaks and sends multipart/byteranges': {
      behaviour: () =>
        brokenThen(
          answerRange((start) => {
            const head = `--cut\r\ncontent-range: bytes ${start}-${SIZE - 1}/${SIZE}\r\n\r\n`
            const body = Buffer.concat([Buffer.from(head), BYTES.subarray(start), Buffer.from('\r\n--cut--\r\n')])
            return { headers: { 'content-type': 'multipart/byteranges; boundary=cut' }, body }
          }),
        ),
    },
    'is overloaded at first': {
      behaviour: () => inTurn(answerStatus(503), answerStatus(500), answerStatus(429), serveBytes(BYTES)),
      sentMax: SENT_MAX,
    },
    'is overloaded when asked for the rest': {
      behaviour: () => brokenThen(answerStatus(503), answerStatus(408), serveBytes(BYTES)),
      sentMax: SENT_MAX,
    },
  }
  for (const [title, { behaviour, sentMax = Number.POSITIVE_INFINITY, isAskedForRanges }] of Object.entries(mending)) {
    test(`${title} is read to the end, and every byte is right`, async () => {
      const update = published(behaviour())
      await pipeline.run(await pipeline.begin([update]), { retry: RETRY })
      await assertWhole(update)
      const sent = proxy.bytesToClients()
      assert.ok(sent <= sentMax, `${sent} bytes were sent for a file of ${SIZE}`)
      if (isAskedForRanges === false) {
        assert.ok(pipeline.source.requests.every(({ headers }) => headers.range === undefined))
      }
    })
  }

  /** Sources from which the right bytes never come: the innermost code, and how often they may be asked. */
  const hopeless: Record<string, { behaviour: () => Behaviour; code: string; message?: RegExp; requests: number }> = {
    'always breaks before the first byte': {
      behaviour: () => breaking(serveBytes(BYTES), Array(100).fill(0)),
      code: 'SourceTruncated',
      message: /Given up after 4 tries/,
      requests: TRIES,
    },
    'always breaks at the same place, and knows no ranges': {
      behaviour: () => closeEarly(BYTES, { afterBytes: HALF }),
      code: 'SourceTruncated',
      message: /Given up after \d+ tries/,
      requests: TRIES + 1,
    },
    'is always silent': {
      behaviour: () => stall(BYTES, { afterBytes: 0 }),
      code: 'SourceTimeout',
      message: /Given up after 4 tries/,
      requests: TRIES,
    },
    'is always overloaded': {
      behaviour: () => answerStatus(503),
      code: 'SourceStatus',
      message: /503.*Given up after 4 tries/,
      requests: TRIES,
    },
    ...Object.fromEntries(
      [400, 401, 403, 404, 410].map((status) => [
        `answers ${status}`,
        { behaviour: () => answerStatus(status), code: 'SourceStatus', requests: 1 },
      ]),
    ),
    'has other bytes': { behaviour: () => serveOtherBytes(BYTES), code: 'HashMismatch', requests: 1 },
    'states a smaller size': {
      behaviour: () => claimLength(BYTES.subarray(1), { claimedBytes: SIZE - 1 }),
      code: 'SizeMismatch',
      requests: 1,
    },
    'states a larger size': {
      behaviour: () => claimLength(BYTES, { claimedBytes: SIZE + 1 }),
      code: 'SizeMismatch',
      requests: 1,
    },
    'sends more without having said so': {
      behaviour: () => sendMore(BYTES, { extraBytes: 1 }),
      code: 'SizeMismatch',
      requests: 1,
    },
    'sends less without having said so': {
      behaviour: () => sendMore(BYTES.subarray(1), { extraBytes: 0 }),
      code: 'SizeMismatch',
      requests: 1,
    },
    'breaks and has other bytes for good': {
      behaviour: () => inTurn(breaking(serveBytes(BYTES), [HALF]), serveOtherBytes(BYTES)),
      code: 'HashMismatch',
      // The file changed, so it is read once from the beginning before that counts.
      requests: 3,
    },
    'is another file at every request': {
      behaviour: () => {
        let number = 0
        return (request, response) => {
          number += 1
          breaking(serveBytes(seededBytes(`version ${number}`, SIZE)), [HALF])(request, response)
        }
      },
      code: 'SourceChanged',
      requests: 2 * 3,
    },
    'always goes on with other bytes under the same ETag': {
      behaviour: () => {
        const lie = answerRange((start) => ({ headers: rangeOf(start), body: Buffer.alloc(SIZE - start) }))
        return (request, response) =>
          (request.headers.range === undefined ? breaking(serveBytes(BYTES), [HALF]) : lie)(request, response)
      },
      code: 'HashMismatch',
      requests: 2 * 3,
    },
  }
  for (const [title, { behaviour, code, message = /./, requests }] of Object.entries(hopeless)) {
    test(`${title} is asked at most ${requests} times, and nothing of it is kept`, async () => {
      const update = published(behaviour())
      const operation = await pipeline.begin([update])
      await assert.rejects(pipeline.run(operation, { retry: RETRY }), (error: AppError) => {
        const innermost = innermostError(error)
        assert.equal(innermost.code, code, innermost.message)
        assert.match(innermost.message, message)
        return true
      })
      assert.ok(requestsFor(pipeline.source, update.paths.get('file.bin')) <= requests)
      const failure = { code: 'CannotProcessUpdateFile', message: 'as the worker notes it' }
      await pipeline.database.batch(endStatements(operation, { status: 'Failed', error: failure }))
      assert.equal(await findUpdate(pipeline.database, 'default', update.updateId), undefined)
      assert.deepEqual(await pipeline.partials(), [])
      assert.deepEqual(await checkData({ folder: pipeline.folder }), [])
    })
  }

  test('asks for a rest with Retry-After gets it', async () => {
    const update = published(inTurn(answerStatus(429, { headers: { 'retry-after': '1' } }), serveBytes(BYTES)))
    const begin = performance.now()
    await pipeline.run(await pipeline.begin([update]), { retry: RETRY })
    assert.ok(performance.now() - begin >= 1000)
  })

  test('breaks while it sends the manifest is asked again', async () => {
    const update = published(serveBytes(BYTES))
    const serve = serveBytes(update.manifestBytes)
    pipeline.source.at(update.paths.get('') ?? '', breaking(serve, [0, 100, { stallAfter: 200 }]))
    await pipeline.run(await pipeline.begin([update]), { retry: RETRY })
    await assertWhole(update)
  })

  /** What the network does while a file is on its way. */
  const weathers: Record<string, (proxy: TcpProxy) => void> = {
    'forgets the connection': (proxy) => proxy.silence(),
    'resets the connection': (proxy) => proxy.reset(),
    'ends the connection': (proxy) => proxy.drop(),
    'refuses connections for a while': (proxy) => {
      proxy.isRefusing = true
      proxy.reset()
      setTimeout(() => {
        proxy.isRefusing = false
      }, 30)
    },
    'becomes slow': (proxy) => {
      proxy.delayMs = 20
    },
  }
  for (const [title, change] of Object.entries(weathers)) {
    test(`is behind a network that ${title} is read to the end, with little sent twice`, async () => {
      const update = published(paced(serveBytes(BYTES), { bodyMs: 500 }))
      const running = pipeline.run(await pipeline.begin([update]), { retry: { triesMax: 8, pauseMs: 10 } })
      running.catch(() => {})
      while (proxy.bytesToClients() < HALF) await new Promise((resolve) => setTimeout(resolve, 5))
      change(proxy)
      await running
      await assertWhole(update)
      const sent = proxy.bytesToClients()
      assert.ok(sent <= SENT_MAX, `${sent} bytes were sent for a file of ${SIZE}`)
    })
  }

  /** An update with this file, which is fetched through the proxy. */
  function published(behaviour: Behaviour): PublishedUpdate {
    const update = publishUpdate(pipeline.source, { files: [{ name: 'file.bin', bytes: BYTES, behaviour }] })
    for (const file of [update.input.importManifest, ...(update.input.files ?? [])]) {
      const url = new URL(file.url)
      url.port = String(proxy.port)
      file.url = url.href
    }
    return update
  }

  async function assertWhole({ updateId }: PublishedUpdate): Promise<void> {
    const { database, folder } = pipeline
    const update = await findUpdate(database, 'default', updateId)
    assert.ok(update)
    assert.equal((await listFiles(database, update.id))?.length, 1)
    // Hashes every byte by itself.
    assert.deepEqual(await checkData({ folder }), [])
    assert.deepEqual(await pipeline.partials(), [])
  }
})
