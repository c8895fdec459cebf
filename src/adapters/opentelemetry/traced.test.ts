import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMarkerScanner } from '../../../tests/support/marker-scanner.ts'
import { AppError } from '../../domain/errors.ts'
import type { OpenSource } from '../../ports/source.ts'
import type { NewSpan, Tracing } from '../../ports/tracing.ts'
import { tracedBlobs, tracedCopies, tracedScanner, tracedSource } from './traced.ts'

/** Keeps what ended, in the order of the ends. */
function createNotes() {
  const ended: { name: string; facts: object; failure?: unknown }[] = []
  const begin = ({ name, attributes }: NewSpan) => {
    const facts = { ...attributes }
    let failure: { failure?: unknown } = {}
    return {
      traceparent: undefined,
      run: <T>(work: () => T) => work(),
      set: (more: object) => void Object.assign(facts, more),
      fail(error: unknown) {
        failure = { failure: error }
      },
      end(end?: { error: unknown }) {
        if (end !== undefined) failure = { failure: end.error }
        ended.push({ name, facts, ...failure })
      },
    }
  }
  const tracing: Tracing = {
    begin,
    async inSpan(newSpan, work) {
      const span = begin(newSpan)
      const result = await work(span)
      span.end()
      return result
    },
  }
  return { ended, tracing }
}

const OPTIONS = { sizeInBytes: 6, signal: new AbortController().signal }
const PLACE = {
  'url.scheme': 'https',
  'url.full': 'https://blobs.example/a/b',
  'server.address': 'blobs.example',
  'server.port': 443,
}

/** Sends the chunks; `failure` after them. */
function sourceOf(chunks: string[], failure?: Error): OpenSource {
  return async () => ({
    start: 2,
    etag: '"a"',
    sizeInBytes: undefined,
    async *[Symbol.asyncIterator]() {
      for (const chunk of chunks) yield Buffer.from(chunk)
      if (failure !== undefined) throw failure
    },
    async [Symbol.asyncDispose]() {},
  })
}

test('a reading ends with its last byte, and tells where it led without user and query', async () => {
  const { ended, tracing } = createNotes()
  const open = tracedSource(sourceOf(['abc', 'def']), tracing)
  const body = await open(new URL('https://user:secret@blobs.example/a/b?sig=secret#secret'), OPTIONS)
  assert.deepEqual([body.start, body.etag], [2, '"a"'])
  assert.deepEqual(ended, [])
  assert.equal(Buffer.concat(await Array.fromAsync(body)).toString(), 'abcdef')
  assert.deepEqual(ended, [{ name: 'read source', facts: { ...PLACE, 'aduana.source.bytes': 6 } }])
})

test('one that is broken off tells how far it came, and one that fails tells why', async () => {
  const { ended, tracing } = createNotes()
  const url = new URL('https://blobs.example/a/b')
  for await (const _chunk of await tracedSource(sourceOf(['abc', 'def']), tracing)(url, OPTIONS)) break
  {
    await using _unread = await tracedSource(sourceOf(['abc']), tracing)(url, OPTIONS)
  }
  const failure = new AppError('SourceUnreachable', 'It went away.')
  const failing = await tracedSource(sourceOf(['ab'], failure), tracing)(url, OPTIONS)
  await assert.rejects(Array.fromAsync(failing), failure)
  const refusing = tracedSource(() => Promise.reject(failure), tracing)
  await assert.rejects(refusing(url, { ...OPTIONS, from: { position: 4, etag: '"a"' } }), failure)
  assert.deepEqual(ended, [
    { name: 'read source', facts: { ...PLACE, 'aduana.source.bytes': 3 } },
    { name: 'read source', facts: { ...PLACE, 'aduana.source.bytes': 0 } },
    { name: 'read source', facts: { ...PLACE, 'aduana.source.bytes': 2 }, failure },
    { name: 'read source', facts: { ...PLACE, 'aduana.source.position': 4 }, failure },
  ])
})

test('of a source that is no address, only its kind is told', async () => {
  const { ended, tracing } = createNotes()
  await Array.fromAsync(await tracedSource(sourceOf([]), tracing)(new URL('staging:secret'), OPTIONS))
  assert.deepEqual(ended, [{ name: 'read source', facts: { 'url.scheme': 'staging', 'aduana.source.bytes': 0 } }])
})

test('a scan ends when it is disposed of, with a verdict or without', async () => {
  const { ended, tracing } = createNotes()
  const scanner = tracedScanner(createMarkerScanner(), tracing)
  {
    await using scan = await scanner.begin(OPTIONS)
    await scan.write(Buffer.from('abcdef'))
    assert.equal((await scan.verdict()).kind, 'Clean')
  }
  {
    await using _scan = await scanner.begin(OPTIONS)
  }
  const failure = new Error('it was stopped')
  const away = { ...createMarkerScanner(), begin: () => Promise.reject(failure) }
  await assert.rejects(tracedScanner(away, tracing).begin(OPTIONS), failure)
  assert.deepEqual(ended, [
    { name: 'scan', facts: { 'aduana.file.size': 6, 'aduana.scan.verdict': 'Clean' } },
    { name: 'scan', facts: { 'aduana.file.size': 6 } },
    { name: 'scan', facts: { 'aduana.file.size': 6 }, failure },
  ])
})

test('where nothing is traced, everything is what it was', () => {
  const scanner = createMarkerScanner()
  const open = sourceOf([])
  const stores = [{ name: 'cdn', store: {} as never }]
  const blobs = {} as never
  assert.equal(tracedScanner(scanner, undefined), scanner)
  assert.equal(tracedSource(open, undefined), open)
  assert.equal(tracedCopies(stores, undefined), stores)
  assert.equal(tracedBlobs(blobs, undefined), blobs)
})
