import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  answerStatus,
  type Behaviour,
  type MisbehavingSource,
  redirectTo,
  serveBytes,
  startSource,
} from '../../../tests/support/misbehaving-source.ts'
import { openHttpSource } from './source-http.ts'
import { createSourcePolicy, parseAllowedSource } from './source-policy.ts'

const BYTES = new Uint8Array(100_000).map((_, index) => index % 251)
const POSITION = 60_000

/** Asks for the rest of a file whose ETag was seen before; `change` is what becomes of the file meanwhile. */
async function askForRest(
  behaviour: Behaviour,
  { etag, sizeInBytes = BYTES.length }: { etag?: string; sizeInBytes?: number } = {},
) {
  await using source = await startSource()
  const http = openHttpSource({ policy: createSourcePolicy([parseAllowedSource('127.0.0.1')]), version: '0' })
  try {
    const { signal } = new AbortController()
    const before = await http.open(source.at('/before', serveBytes(BYTES)), { sizeInBytes: BYTES.length, signal })
    for await (const _ of before);
    assert.ok(before.etag)
    const from = { position: POSITION, etag: etag ?? before.etag }
    const body = await http.open(source.at('/file', behaviour), { sizeInBytes, signal, from })
    const bytes = Buffer.concat(await Array.fromAsync(body, (chunk) => Buffer.from(chunk)))
    return { start: body.start, etag: body.etag, from, bytes, requests: requestsOf(source) }
  } finally {
    await http.close()
  }
}

function requestsOf(source: MisbehavingSource) {
  return source.requests
    .filter(({ path }) => path !== '/before')
    .map(({ headers }) => ({ range: headers.range, ifRange: headers['if-range'] }))
}

/** Answers 206 with these headers in place of the right ones, and everything to a request without a range. */
function answerRange(headers: Record<string, string>, status = 206): Behaviour {
  return (request, response) => {
    if (request.headers.range === undefined) return serveBytes(BYTES)(request, response)
    response.writeHead(status, headers).end(BYTES.subarray(POSITION))
  }
}

describe('the rest of a file', () => {
  test('is all that a good source sends', async () => {
    const { start, etag, from, bytes, requests } = await askForRest(serveBytes(BYTES))
    assert.equal(start, POSITION)
    assert.equal(etag, from.etag)
    assert.deepEqual(bytes, Buffer.from(BYTES.subarray(POSITION)))
    assert.deepEqual(requests, [{ range: `bytes=${POSITION}-`, ifRange: from.etag }])
  })

  test('is asked for behind a redirect as well', async () => {
    await using elsewhere = await startSource()
    const { start, bytes } = await askForRest(redirectTo(elsewhere.at('/moved', serveBytes(BYTES))))
    assert.deepEqual([start, bytes.length], [POSITION, BYTES.length - POSITION])
    assert.equal(elsewhere.requests[0]?.headers.range, `bytes=${POSITION}-`)
  })

  test('comes as everything, with the new ETag, where the file is another one by now', async () => {
    const { start, etag, from, bytes } = await askForRest(serveBytes(BYTES), { etag: '"older"' })
    assert.equal(start, 0)
    assert.notEqual(etag, from.etag)
    assert.equal(bytes.length, BYTES.length)
  })

  test('comes as everything where the source knows no ranges', async () => {
    const { start, bytes } = await askForRest(serveBytes(BYTES, { ranges: false }))
    assert.deepEqual([start, bytes.length], [0, BYTES.length])
  })

  const rest = `bytes ${POSITION}-${BYTES.length - 1}/${BYTES.length}`
  for (const [what, behaviour] of [
    ['another part', answerRange({ 'content-range': `bytes ${POSITION + 1}-${BYTES.length - 1}/${BYTES.length}` })],
    ['less than the rest', answerRange({ 'content-range': `bytes ${POSITION}-${BYTES.length - 2}/${BYTES.length}` })],
    ['a part of a larger file', answerRange({ 'content-range': `bytes ${POSITION}-99999/100001` })],
    ['a part of unknown whole', answerRange({ 'content-range': `bytes ${POSITION}-99999/*` })],
    ['no word about which part', answerRange({})],
    ['several parts', answerRange({ 'content-type': 'multipart/byteranges; boundary=x' })],
    ['a part of other bytes', answerRange({ 'content-range': rest, etag: '"newer"' })],
    ['"not satisfiable"', answerRange({ 'content-range': 'bytes */100000' }, 416)],
  ] as const) {
    test(`is given up where the source answers with ${what}: everything is asked for once more`, async () => {
      const { start, bytes, requests } = await askForRest(behaviour)
      assert.deepEqual([start, bytes.length], [0, BYTES.length])
      assert.deepEqual(
        requests.map(({ range }) => range),
        [`bytes=${POSITION}-`, undefined],
      )
    })
  }

  test('that is stated with another length is refused before it is read', async () => {
    const lying = answerRange({ 'content-range': rest, 'content-length': '39999' })
    await assert.rejects(askForRest(lying), {
      code: 'SizeMismatch',
      message: /39999 bytes from byte 60000 on, but 40000 were left/,
    })
  })

  test('is not taken from an answer that was not asked for', async () => {
    await using source = await startSource()
    const http = openHttpSource({ policy: createSourcePolicy([parseAllowedSource('127.0.0.1')]), version: '0' })
    const { signal } = new AbortController()
    const url = source.at('/file', answerStatus(206, { headers: { 'content-range': rest } }))
    await assert.rejects(http.open(url, { sizeInBytes: BYTES.length, signal }), { code: 'SourceStatus' })
    await http.close()
  })
})

describe('an ETag', () => {
  for (const [etag, isKept] of [
    ['"0x8DAB"', true],
    ['W/"0x8DAB"', false],
    ['0x8DAB', false],
    ['"a"b"', false],
    [`"${'a'.repeat(300)}"`, false],
  ] as const) {
    test(`such as ${etag.slice(0, 12)} is ${isKept ? '' : 'not '}something to go on with`, async () => {
      await using source = await startSource()
      const http = openHttpSource({ policy: createSourcePolicy([parseAllowedSource('127.0.0.1')]), version: '0' })
      const { signal } = new AbortController()
      const url = source.at('/file', answerStatus(200, { headers: { etag } }))
      const body = await http.open(url, { sizeInBytes: 'status 200'.length, signal })
      assert.equal(body.etag, isKept ? etag : undefined)
      for await (const _ of body);
      await http.close()
    })
  }
})
