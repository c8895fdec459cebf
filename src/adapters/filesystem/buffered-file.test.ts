import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BufferedFile } from './buffered-file.ts'

test('a file larger than the buffers, and flushed early on the way, arrives whole', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-buffered-'))
  try {
    const bytes = randomBytes(40 * 1024 * 1024 + 13)
    const path = join(folder, 'file')
    const file = new BufferedFile(await open(path, 'wx'), bytes.length)
    for (let start = 0; start < bytes.length; start += 100_000) await file.write(bytes.subarray(start, start + 100_000))
    await file.finish()
    await file.close()
    assert.ok(bytes.equals(await readFile(path)))
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('bytes beyond the expected size are written too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-buffered-'))
  try {
    const path = join(folder, 'file')
    const file = new BufferedFile(await open(path, 'wx'), 0)
    await file.write(Buffer.from('abc'))
    await file.write(Buffer.from('defg'))
    await file.finish()
    assert.equal(await readFile(path, 'utf8'), 'abcdefg')
  } finally {
    await rm(folder, { recursive: true })
  }
})

const needsDevFull = { skip: process.platform !== 'linux' && '/dev/full is there on Linux only' }

test('a full disk rejects finishing, and the file can still be closed', needsDevFull, async () => {
  const file = new BufferedFile(await open('/dev/full', 'w'), 10)
  await file.write(Buffer.from('0123456789'))
  await assert.rejects(file.finish(), { code: 'ENOSPC' })
  await file.close()
})

test('a disk that fills up while writing rejects a later write, and finishing as well', needsDevFull, async () => {
  const file = new BufferedFile(await open('/dev/full', 'w'), 100 * 1024 * 1024)
  const chunk = Buffer.alloc(1024 * 1024)
  await assert.rejects(
    async () => {
      for (let times = 0; times < 10; times += 1) await file.write(chunk)
    },
    { code: 'ENOSPC' },
  )
  await assert.rejects(file.finish(), { code: 'ENOSPC' })
  await file.close()
})
