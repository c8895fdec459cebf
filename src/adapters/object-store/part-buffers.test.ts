import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partBuffersInUse, partBytesOf, returnPartBuffer, takePartBuffer } from './part-buffers.ts'

const MiB = 1024 * 1024

test('parts have five MiB, or as much more as keeps their number below the limit of the store', () => {
  for (const [sizeInBytes, partsMax, partBytes] of [
    [0, 10_000, 5 * MiB],
    [2048 * MiB, 10_000, 5 * MiB],
    [50_000 * MiB, 10_000, 5 * MiB],
    [50_000 * MiB + 1, 10_000, 6 * MiB],
    [5_000_000 * MiB, 10_000, 500 * MiB],
    [5_000_000 * MiB, 50_000, 100 * MiB],
  ] as const) {
    assert.equal(partBytesOf({ sizeInBytes, partsMax }), partBytes)
    assert.ok(Math.ceil(sizeInBytes / partBytes) <= partsMax)
  }
})

test('a buffer that was given back is used again, one of another size is not', () => {
  const [usual, larger] = [takePartBuffer(5 * MiB), takePartBuffer(6 * MiB)]
  assert.equal(partBuffersInUse(), 2)
  returnPartBuffer(larger)
  returnPartBuffer(usual)
  assert.equal(partBuffersInUse(), 0)
  assert.equal(takePartBuffer(5 * MiB), usual)
  assert.notEqual(takePartBuffer(6 * MiB), larger)
})
