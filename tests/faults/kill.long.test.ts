import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killAtRandom } from './kill-at-random.ts'
import { describeKills } from './kill-report.ts'

test('a server under load that is killed twenty times keeps what it promised', { timeout: 600_000 }, async (t) => {
  const report = await killAtRandom({ kills: 20, seed: Date.now() % 1_000_000_000 })
  t.diagnostic(describeKills(report))
  assert.deepEqual(report.findings, [], describeKills(report))
  const { imports, deletions, reads } = report.counts
  assert.ok(imports.succeeded > 0 && imports.failed > 0 && deletions.succeeded > 0 && reads.contents > 0)
  assert.ok(report.phases.downloading > 0, 'nothing was on its way at any kill')
})
