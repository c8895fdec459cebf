import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { AppError } from '../../domain/errors.ts'
import { openSmallBlobs } from './small-blobs.ts'
import type { SmallBlob } from './small-blobs-thread.ts'

const small = openSmallBlobs()
let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-small-'))
  await mkdir(join(folder, 'partial'))
  await mkdir(join(folder, 'shelf'))
})
after(async () => {
  await small.close()
  await rm(folder, { recursive: true })
})

function blobOf(name: string, facts: Partial<SmallBlob> = {}): SmallBlob {
  return {
    name,
    bytes: new Uint8Array(Buffer.from(`bytes of ${name}`)),
    partial: join(folder, 'partial', name),
    target: join(folder, 'shelf', name),
    mode: 0o640,
    promisedBytes: 0,
    ...facts,
  }
}

test('of many that are kept at once, those that fail hold up no other and leave nothing behind', async () => {
  await writeFile(join(folder, 'partial/taken'), 'of somebody else')
  const failing: [SmallBlob, object][] = [
    [blobOf('taken'), { code: 'EEXIST' }],
    [blobOf('lost', { target: join(folder, 'no shelf', 'lost') }), { code: 'ENOENT' }],
    [blobOf('large', { promisedBytes: Number.MAX_SAFE_INTEGER }), { name: 'AppError', code: 'StoreFull' }],
    [blobOf('nowhere', { partial: join(folder, 'no folder', 'nowhere') }), { code: 'ENOENT' }],
  ]
  const good = Array.from({ length: 100 }, (_, index) => `good-${index}`)
  await Promise.all([
    ...good.slice(0, 50).map((name) => small.keep(blobOf(name))),
    ...failing.map(([blob, error]) => assert.rejects(small.keep(blob), error)),
    ...good.slice(50).map((name) => small.keep(blobOf(name))),
  ])
  assert.deepEqual((await readdir(join(folder, 'shelf'))).sort(), good.toSorted())
  for (const name of good) assert.equal(await readFile(join(folder, 'shelf', name), 'utf8'), `bytes of ${name}`)
  assert.equal((await stat(join(folder, 'shelf/good-0'))).mode & 0o777, 0o640 & ~process.umask())
  assert.deepEqual(await readdir(join(folder, 'partial')), ['taken'])
  assert.equal(await readFile(join(folder, 'partial/taken'), 'utf8'), 'of somebody else')
})

test('a full disk is told in numbers', async () => {
  await assert.rejects(
    small.keep(blobOf('many', { promisedBytes: 2 ** 52 })),
    (error) => error instanceof AppError && /bytes free, \d+ of them promised to other files,/.test(error.message),
  )
})

test('closing waits for what was called, and nothing is kept afterwards', async () => {
  const other = openSmallBlobs()
  const kept = other.keep(blobOf('last'))
  await other.close()
  await kept
  assert.equal(await readFile(join(folder, 'shelf/last'), 'utf8'), 'bytes of last')
  await assert.rejects(other.keep(blobOf('later')))
})
