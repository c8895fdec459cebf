import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeSoak } from './soak/describe-soak.ts'
import { runSoak } from './soak/run-soak.ts'

const skip = process.platform === 'linux' ? false : 'needs what Linux tells about processes'

test('a server that imports, fails and deletes holds no more of anything for it', {
  skip,
  timeout: 110_000,
}, async (t) => {
  const report = await runSoak({ imports: 200, seed: Date.now() % 1_000_000_000 })
  t.diagnostic(describeSoak(report))
  assert.deepEqual(report.findings, [], describeSoak(report))
  const { imports, deletions } = report.counts
  assert.ok(imports.succeeded > 100 && imports.failed > 5 && deletions.succeeded > 50)
})
