import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BLOCK_BYTES, type Block, takeBlock } from '../../ports/block.ts'
import { takesDirectWrites } from './block-file.ts'
import { type FileWrites, openFileWrites } from './file-writes.ts'
import { FlushedFile } from './flushed-file.ts'

const isLinux = process.platform === 'linux'
const needsDirect = { skip: !(await takesDirectWrites(tmpdir())) && 'the file system takes no direct writes' }
const needsDevFull = { skip: !isLinux && '/dev/full is there on Linux only' }

let folder: string
let writes: FileWrites
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aduana-writes-'))
  writes = openFileWrites()
})
after(async () => {
  await writes.close()
  await rm(folder, { recursive: true })
})

async function openAt(path: string) {
  const handle = await open(path, 'w')
  return { handle, blocks: writes.open(handle.fd, path) }
}

/** A part of a block that begins with it. */
function blockOf(byte: number, length = BLOCK_BYTES): Block {
  return takeBlock().fill(byte).subarray(0, length)
}

test('blocks of several files are written in their order, whatever their lengths are', async () => {
  const lengths = [
    [BLOCK_BYTES, BLOCK_BYTES, 17],
    // The second begins where no page does.
    [1000, BLOCK_BYTES, 5000],
    [4096, 4097, BLOCK_BYTES, 1],
    [1],
  ]
  const written = await Promise.all(
    lengths.map(async (blockLengths, number) => {
      const path = join(folder, `lengths-${number}`)
      const { handle, blocks } = await openAt(path)
      const file = new FlushedFile(handle, { blocks })
      const parts: Block[] = blockLengths.map((length, index) => blockOf(10 * number + index, length))
      for (const part of parts) await file.write(part)
      await file.finish()
      await file.close()
      return { path, bytes: Buffer.concat(parts) }
    }),
  )
  for (const { path, bytes } of written) assert.ok(bytes.equals(await readFile(path)), path)
})

test('what begins with a page goes past the page cache, the rest does not', needsDirect, async () => {
  const { handle, blocks } = await openAt(join(folder, 'direct'))
  assert.equal(await blocks.write(blockOf(1), 0), 0)
  assert.equal(await blocks.write(blockOf(2, 10_000), BLOCK_BYTES), 10_000 % 4096)
  assert.equal(await blocks.write(blockOf(3), BLOCK_BYTES + 10_000), BLOCK_BYTES)
  assert.equal(await blocks.write(blockOf(4).subarray(100), 4 * BLOCK_BYTES), BLOCK_BYTES - 100)
  await blocks.close()
  await handle.close()
})

test('where that is refused everything goes the other way', needsDirect, async () => {
  const path = join(await mkdtemp(join(folder, 'undirect-')), 'refused')
  const { handle, blocks } = await openAt(path)
  const unaligned = new Uint8Array(new SharedArrayBuffer(BLOCK_BYTES)).fill(5)
  // Such memory begins with no page, which the block cannot tell.
  assert.equal(await blocks.write(unaligned, 0), BLOCK_BYTES)
  assert.equal(await blocks.write(blockOf(6), BLOCK_BYTES), BLOCK_BYTES)
  await blocks.close()
  await handle.close()
  const bytes = await readFile(path)
  assert.ok(bytes.equals(Buffer.concat([Buffer.alloc(BLOCK_BYTES, 5), Buffer.alloc(BLOCK_BYTES, 6)])))
})

test('what was kept is gone on with at its end', async () => {
  for (const keptBytes of [4096, 5000]) {
    const path = join(folder, `kept-${keptBytes}`)
    await writeFile(path, Buffer.alloc(keptBytes, 7))
    const handle = await open(path, 'a')
    const file = new FlushedFile(handle, { keptBytes, blocks: writes.open(handle.fd, path) })
    await file.write(blockOf(8))
    await file.write(Buffer.alloc(10, 9))
    await file.finish()
    const parts = [Buffer.alloc(keptBytes, 7), Buffer.alloc(BLOCK_BYTES, 8), Buffer.alloc(10, 9)]
    assert.ok(Buffer.concat(parts).equals(await readFile(path)))
  }
})

test(
  'a full disk fails with the code of the operating system, and others are written afterwards',
  needsDevFull,
  async () => {
    await using full = await open('/dev/full', 'w')
    const blocks = writes.open(full.fd, join(folder, 'not-there'))
    await assert.rejects(blocks.write(blockOf(1, 100), 0), { code: 'ENOSPC', message: /no space left/ })
    const { handle, blocks: others } = await openAt(join(folder, 'others'))
    await others.write(blockOf(1), 0)
    await others.close()
    await handle.close()
  },
)
