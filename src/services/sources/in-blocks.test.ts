import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BLOCK_BYTES, type Block, takeBlock } from '../../ports/block.ts'
import { inBlocks } from './in-blocks.ts'

async function* chunksOf(bytes: Uint8Array, sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let position = 0, turn = 0; position < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    yield bytes.subarray(position, position + size)
    position += size
  }
}

for (const length of [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 17]) {
  test(`${length} bytes arrive in order and in blocks, three at a time at most`, async () => {
    const bytes = randomBytes(length)
    const blocks: Buffer[] = []
    let consuming = 0
    let consumed = 0
    let counted = 0
    await inBlocks(
      chunksOf(bytes, [1, 65_536, 3 * BLOCK_BYTES, 0, 7]),
      (chunkBytes) => {
        counted += chunkBytes
      },
      async (block) => {
        consuming += 1
        assert.ok(consuming <= 3)
        const place = blocks.push(Buffer.alloc(0)) - 1
        // The later ones are quicker, and nobody fills one that is not let go.
        await sleep(Math.max(1, 20 - 5 * place))
        blocks[place] = Buffer.from(block)
        consuming -= 1
        consumed += 1
      },
    )
    assert.ok(Buffer.concat(blocks).equals(bytes))
    assert.equal(counted, length)
    assert.equal(consumed, blocks.length)
    assert.ok(blocks.slice(0, -1).every((block) => block.length === BLOCK_BYTES))
  })
}

test('a consumer that fails is heard of at the next chunk, not when the next block is full', async () => {
  let chunks = 0
  async function* slow() {
    yield new Uint8Array(BLOCK_BYTES + 1)
    for (; chunks < 100; chunks += 1) {
      yield new Uint8Array(1)
      await sleep(1)
    }
  }
  const failing = inBlocks(
    slow(),
    () => {},
    () => Promise.reject(new Error('no room')),
  )
  await assert.rejects(failing, { message: 'no room' })
  assert.ok(chunks < 50, `${chunks} chunks were read`)
})

test('a source that fails is heard of when the last block is let go', async () => {
  let isConsuming = false
  async function* failing() {
    yield new Uint8Array(BLOCK_BYTES + 1)
    throw new Error('broke off')
  }
  const reading = inBlocks(
    failing(),
    () => {},
    async () => {
      isConsuming = true
      await sleep(50)
      isConsuming = false
    },
  )
  await assert.rejects(reading, { message: 'broke off' })
  assert.equal(isConsuming, false)
})

test('blocks are used again, also after a failure, and never by two at the same time', async () => {
  const seen = new Set<ArrayBufferLike>()
  const inUse = new Set<ArrayBufferLike>()
  const run = (bytes: Buffer, fails: boolean) =>
    inBlocks(
      chunksOf(bytes, [100_000]),
      () => {},
      async ({ buffer, length }) => {
        assert.ok(!inUse.has(buffer))
        inUse.add(buffer)
        seen.add(buffer)
        await sleep(1)
        assert.ok(Buffer.from(buffer, 0, length).every((byte) => byte === bytes[0]))
        inUse.delete(buffer)
        if (fails) throw new Error('on purpose')
      },
    ).catch(() => {})
  for (let round = 0; round < 10; round += 1) {
    await Promise.all([1, 2, 3].map((file) => run(Buffer.alloc(3 * BLOCK_BYTES + file, file), round % 2 === 0)))
  }
  assert.ok(seen.size <= 9, `${seen.size} blocks for three files at a time`)
})

test('a chunk that is a block is passed on as it is, between others that are gathered', async () => {
  const own = [takeBlock().fill(1), takeBlock().fill(3).subarray(0, 500), takeBlock().fill(4)]
  async function* mixed(): AsyncGenerator<Uint8Array> {
    yield own[0] as Block
    yield Buffer.alloc(100, 2)
    yield own[1] as Block
    yield own[2] as Block
  }
  const consumed: [number | undefined, number, boolean][] = []
  let consuming = 0
  await inBlocks(
    mixed(),
    () => {},
    async (block) => {
      consuming += 1
      assert.ok(consuming <= 2)
      consumed.push([block[0], block.length, own.some(({ buffer }) => buffer === block.buffer)])
      await sleep(5)
      consuming -= 1
    },
  )
  assert.deepEqual(consumed, [
    [1, BLOCK_BYTES, true],
    [2, 100, false],
    [3, 500, true],
    [4, BLOCK_BYTES, true],
  ])
})
