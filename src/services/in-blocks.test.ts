import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BLOCK_BYTES, inBlocks } from './in-blocks.ts'

async function* chunksOf(bytes: Uint8Array, sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let position = 0, turn = 0; position < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    yield bytes.subarray(position, position + size)
    position += size
  }
}

for (const length of [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 17]) {
  test(`${length} bytes arrive in order and in blocks, one at a time`, async () => {
    const bytes = randomBytes(length)
    const blocks: Buffer[] = []
    let consuming = 0
    let counted = 0
    await inBlocks(
      chunksOf(bytes, [1, 65_536, 3 * BLOCK_BYTES, 0, 7]),
      length,
      (chunkBytes) => {
        counted += chunkBytes
      },
      async (block) => {
        consuming += 1
        assert.equal(consuming, 1)
        await sleep(1)
        blocks.push(Buffer.from(block))
        consuming -= 1
      },
    )
    assert.ok(Buffer.concat(blocks).equals(bytes))
    assert.equal(counted, length)
    assert.ok(blocks.slice(0, -1).every((block) => block.length === BLOCK_BYTES))
  })
}

test('more bytes than were announced arrive as well', async () => {
  const blocks: Buffer[] = []
  const consume = async (block: Uint8Array) => void blocks.push(Buffer.from(block))
  await inBlocks(chunksOf(Buffer.from('abcdefg'), [2]), 3, () => {}, consume)
  assert.equal(Buffer.concat(blocks).toString(), 'abcdefg')
})

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
    3 * BLOCK_BYTES,
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
    3 * BLOCK_BYTES,
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
