import assert from 'node:assert/strict'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { paced } from '../support/paced.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { BODY_MS, type Interruption, importInterrupted } from './import-interrupted.ts'

const MiB = 1024 * 1024

const CASES: readonly Interruption[] = [
  { title: 'killed at 90 %', sizeInBytes: 64 * MiB, at: [0.9] },
  { title: 'killed at 30, 60 and 90 %', sizeInBytes: 48 * MiB, at: [0.3, 0.6, 0.9] },
  { title: 'stopped at 90 %', sizeInBytes: 32 * MiB, at: [0.9], signal: 'SIGTERM' },
  {
    title: 'killed at 50 %, after which what it had was damaged',
    sizeInBytes: 32 * MiB,
    at: [0.5],
    // Found out at the end only, over all bytes: then it is fetched once more.
    sentMax: 2.1,
    meanwhile: ({ folder }) => changePartial(folder, { flipAt: 1_000_000 }),
  },
  {
    title: 'killed at 50 %, after which what it had was cut short',
    sizeInBytes: 32 * MiB,
    at: [0.5],
    meanwhile: ({ folder }) => changePartial(folder, { keepBytes: 12 * MiB }),
  },
  {
    title: 'killed at 50 %, after which the source has another file, the right one no more',
    sizeInBytes: 32 * MiB,
    at: [0.5],
    sentMax: 1.8,
    end: 'HashMismatch',
    async meanwhile({ source, path, bytes }) {
      // At once, much of it would be on its way before the server sees that it is not what it had begun.
      source.at(path, paced(serveBytes(seededBytes('another file', bytes.length)), { bodyMs: BODY_MS }))
    },
  },
  {
    title: 'killed at 50 %, after which the source gives another ETag',
    sizeInBytes: 32 * MiB,
    at: [0.5],
    sentMax: 1.8,
    async meanwhile({ source, path, bytes }) {
      source.at(path, (request, response) => {
        const setHeader = response.setHeader.bind(response)
        response.setHeader = (name, value) => setHeader(name, name === 'etag' ? '"another"' : value)
        paced(serveBytes(bytes), { bodyMs: BODY_MS })(request, response)
      })
    },
  },
]

// Side by side, since most of the time is waiting.
describe('an import by a server that is', { concurrency: 3 }, () => {
  let source: MisbehavingSource
  before(async () => {
    source = await startSource()
  })
  after(() => source?.[Symbol.asyncDispose]())

  for (const interruption of CASES) {
    const { title, end = 'Succeeded', sentMax = 1.3 } = interruption
    const outcome = end === 'Succeeded' ? `goes on, with ${sentMax} times the file sent at most` : `ends by its merits`
    test(`${title} ${outcome}`, () => importInterrupted(source, interruption))
  }
})

/** Changes the largest partial file as a crash of the machine may: a byte of it, or its length. */
async function changePartial(folder: string, change: { flipAt: number } | { keepBytes: number }): Promise<void> {
  const partials = join(folder, 'blobs/partial')
  const paths = (await readdir(partials)).map((name) => join(partials, name))
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
  const path = paths[sizes.indexOf(Math.max(...sizes))]
  assert.ok(path !== undefined && Math.max(...sizes) > 12 * MiB - 1, 'there is a partial file')
  await using file = await open(path, 'r+')
  if ('keepBytes' in change) return file.truncate(change.keepBytes)
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, change.flipAt)
  byte[0] = byte[0]! ^ 0xff
  await file.write(byte, 0, 1, change.flipAt)
}
