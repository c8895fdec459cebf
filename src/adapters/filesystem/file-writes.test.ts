import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeBlock } from '../../ports/block.ts'
import { openFileWrites } from './file-writes.ts'
import { FlushedFile } from './flushed-file.ts'

test('blocks of several files are written in their order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-writes-'))
  const writes = openFileWrites()
  try {
    const files = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const path = join(folder, `${number}`)
        const file = new FlushedFile(await open(path, 'wx'), writes)
        const parts = [
          takeBlock().fill(number),
          takeBlock()
            .fill(number + 10)
            .subarray(0, 1000),
          takeBlock().fill(number + 20),
        ]
        for (const part of parts) await file.write(part)
        await file.finish()
        return { path, bytes: Buffer.concat(parts) }
      }),
    )
    for (const { path, bytes } of files) assert.ok(bytes.equals(await readFile(path)))
  } finally {
    await writes.close()
    await rm(folder, { recursive: true })
  }
})

const needsDevFull = { skip: process.platform !== 'linux' && '/dev/full is there on Linux only' }

test(
  'a full disk fails with the code of the operating system, and others are written afterwards',
  needsDevFull,
  async () => {
    const writes = openFileWrites()
    await using full = await open('/dev/full', 'w')
    await using empty = await open('/dev/null', 'w')
    await assert.rejects(writes.write(full.fd, takeBlock()), { code: 'ENOSPC', message: /no space left/ })
    await writes.write(empty.fd, takeBlock())
    await writes.close()
    await assert.rejects(writes.write(empty.fd, takeBlock()))
  },
)
