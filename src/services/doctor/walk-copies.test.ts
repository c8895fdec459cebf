import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BlobName } from '../../domain/blob.ts'
import type { StoredBlob } from '../../ports/blob-store.ts'
import type { CopyInForce } from '../../store/blobs/inspect-blobs.ts'
import { inStep, listTogether } from './walk-copies.ts'

const nameOf = (number: number) => `${String(number).padStart(64, '0')}.00000000` as BlobName
const copyOf = (number: number): CopyInForce => ({ sha256: String(number), name: nameOf(number), sizeInBytes: 1 })
const stored = (number: number, sizeInBytes = 1): StoredBlob => ({ name: nameOf(number), sizeInBytes, storedAt: 0 })

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

const numbers = fc.uniqueArray(fc.nat({ max: 30 }))
const inOrder = (all: readonly number[]) => all.toSorted((one, other) => one - other)

test('two lists in order are walked together: what is in both comes once, all else alone', async () => {
  await fc.assert(
    fc.asyncProperty(numbers, numbers, async (copies, list) => {
      const steps = await Array.fromAsync(
        inStep(each(inOrder(copies).map(copyOf)), each(inOrder(list).map((number) => stored(number)))),
      )
      const said = steps.map(({ copy, stored }) => [copy?.name, stored?.name])
      const expected = inOrder([...new Set([...copies, ...list])]).map((number) => [
        copies.includes(number) ? nameOf(number) : undefined,
        list.includes(number) ? nameOf(number) : undefined,
      ])
      assert.deepEqual(said, expected)
    }),
  )
})

test('a list in disorder loses nothing: each copy and each stored blob still comes once', async () => {
  await fc.assert(
    fc.asyncProperty(numbers, numbers, async (copies, list) => {
      const steps = await Array.fromAsync(
        inStep(each(inOrder(copies).map(copyOf)), each(list.map((number) => stored(number)))),
      )
      const names = (found: ({ name: string } | undefined)[]) => found.flatMap((one) => one?.name ?? []).sort()
      assert.deepEqual(names(steps.map(({ copy }) => copy)), copies.map(nameOf).sort())
      assert.deepEqual(names(steps.map(({ stored }) => stored)), list.map(nameOf).sort())
    }),
  )
})

test('several stores are one list, in which the first one that has a name tells its size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(numbers, { maxLength: 4 }), async (lists) => {
      const together = listTogether(
        lists.map((list, size) => each(inOrder(list).map((number) => stored(number, size)))),
      )
      const expected = inOrder([...new Set(lists.flat())]).map((number) =>
        stored(
          number,
          lists.findIndex((list) => list.includes(number)),
        ),
      )
      assert.deepEqual(await Array.fromAsync(together), expected)
    }),
  )
})
