import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FlushedFile } from './flushed-file.ts'

test('a file that is flushed early on the way arrives whole', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-flushed-'))
  try {
    const bytes = randomBytes(40 * 1024 * 1024 + 13)
    const path = join(folder, 'file')
    const file = new FlushedFile(await open(path, 'wx'))
    for (let start = 0; start < bytes.length; start += 100_000) await file.write(bytes.subarray(start, start + 100_000))
    await file.finish()
    await file.close()
    assert.ok(bytes.equals(await readFile(path)))
  } finally {
    await rm(folder, { recursive: true })
  }
})

const needsDevFull = { skip: process.platform !== 'linux' && '/dev/full is there on Linux only' }

test('a full disk rejects the write, and the file can still be closed', needsDevFull, async () => {
  const file = new FlushedFile(await open('/dev/full', 'w'))
  await assert.rejects(file.write(Buffer.from('0123456789')), { code: 'ENOSPC' })
  await file.close()
  await file.close()
})
