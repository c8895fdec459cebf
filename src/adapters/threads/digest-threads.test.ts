import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Block } from '../../ports/block.ts'
import type { DigestAnswer, DigestRequest } from './digest-thread.ts'
import { openDigestThreads } from './digest-threads.ts'
import { openOrderedThread } from './ordered-thread.ts'

function blockOf(bytes: Uint8Array): Block {
  const block = new Uint8Array(new SharedArrayBuffer(bytes.length))
  block.set(bytes)
  return block
}

test('several hashes of several files at the same time are those that Node works out itself', async () => {
  const threads = openDigestThreads()
  const algorithms = ['sha256', 'md5', 'sha512']
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const bytes = randomBytes(100_000 + index)
      using digest = threads.start(algorithms)
      const taken: Promise<void>[] = []
      for (let start = 0; start < bytes.length; start += 30_000) {
        const block = blockOf(bytes.subarray(start, start + 30_000))
        // The memory may be reused when that one is taken, also while others are not.
        taken.push(digest.update(block).then(() => void block.fill(0xee)))
        if (taken.length > 2) await taken.shift()
      }
      await Promise.all(taken)
      const expected = algorithms.map((name) => [name, createHash(name).update(bytes).digest('base64')])
      assert.deepEqual(await digest.result(), Object.fromEntries(expected))
    }),
  )
  await threads.close()
})

test('a digest that is given up does not disturb the others', async () => {
  const threads = openDigestThreads()
  {
    using given = threads.start(['sha256'])
    await given.update(blockOf(Buffer.from('half')))
  }
  using digest = threads.start(['sha256'])
  await digest.update(blockOf(Buffer.from('abc')))
  assert.deepEqual(await digest.result(), { sha256: createHash('sha256').update('abc').digest('base64') })
  await threads.close()
})

test('what is not finished when the threads end fails, and nothing begins afterwards', async () => {
  const threads = openDigestThreads()
  using digest = threads.start(['sha256'])
  await digest.update(blockOf(Buffer.from('abc')))
  await threads.close()
  await assert.rejects(digest.update(blockOf(Buffer.from('def'))), { message: 'The thread that hashes has ended.' })
  await assert.rejects(digest.result())
  assert.throws(() => threads.start(['sha256']))
})

test('a digest that another thread began is told from an empty one', async () => {
  const program = new URL('./digest-thread.ts', import.meta.url)
  const thread = openOrderedThread<DigestRequest, DigestAnswer>(program, {
    heap: {},
    deathOf: () => new Error('It died.'),
  })
  assert.deepEqual(await thread.ask({ id: 1, update: blockOf(Buffer.from('abc')) }), { isUnknown: true })
  assert.deepEqual(await thread.ask({ id: 1, end: true }), { isUnknown: true })
  assert.deepEqual(await thread.ask({ id: 1, begin: [] }), {})
  assert.deepEqual(await thread.ask({ id: 1, end: true }), { result: {} })
  await thread.end()
})
