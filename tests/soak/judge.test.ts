import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../support/seeded-random.ts'
import { judge, type Sample } from './judge.ts'

const MiB = 1024 * 1024

/** A run of 10,000 operations in which a line is so high after so many of them. */
function run(line: string, height: (operations: number) => number): Sample[] {
  return Array.from({ length: 200 }, (_, index) => {
    const operations = index * 50
    return { seconds: index, operations, values: { [line]: height(operations) } }
  })
}

const isFlat = (line: string, height: (operations: number) => number) => judge(run(line, height))[0]?.isFlat

test('a line that falls, stays, or rises in the first half only is flat', () => {
  assert.ok(isFlat('descriptors', () => 30))
  assert.ok(isFlat('descriptors', (operations) => 300 - operations / 100))
  assert.ok(isFlat('resident memory', (operations) => (100 + Math.min(operations, 5000) / 50) * MiB))
})

test('what comes and goes above a floor is flat, however high', () => {
  const random = seededRandom(7)
  assert.ok(isFlat('heap used', (operations) => (40 + (operations % 700) / 10) * MiB))
  assert.ok(isFlat('files in partial', () => random.whole(0, 12)))
})

test('a leak is found although garbage comes and goes above it', () => {
  const random = seededRandom(7)
  assert.equal(
    isFlat('heap used', (operations) => operations * 4096 + (40 + random.whole(0, 30)) * MiB),
    false,
  )
  assert.equal(
    isFlat('descriptors', (operations) => 30 + Math.floor(operations / 500)),
    false,
  )
  assert.equal(
    isFlat('rows of operations', (operations) => operations),
    false,
  )
})

test('a line whose growth is meant is told, not judged', () => {
  const [verdict] = judge(run('audit.jsonl', (operations) => operations * 300))
  assert.ok(verdict?.isFlat && verdict.riseMax === undefined)
  assert.ok(Math.abs(verdict.risePerThousandOperations / 300_000 - 1) < 0.01)
})

test('no verdict rests on a handful of samples', () => {
  assert.throws(() => judge(run('descriptors', () => 30).slice(0, 20)), /too few/)
})
