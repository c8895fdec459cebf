import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killAtRandom } from './kill-at-random.ts'
import { describeKills } from './kill-report.ts'

test('a server under load that is killed three times keeps what it promised', async () => {
  const report = await killAtRandom({ kills: 3, seed: Date.now() % 1_000_000_000 })
  assert.deepEqual(report.findings, [], describeKills(report))
  assert.ok(report.counts.imports.accepted > 0 && report.counts.reads.contents > 0, describeKills(report))
})
