import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeSoak } from './soak/describe-soak.ts'
import { runSoak } from './soak/run-soak.ts'

const skip = process.platform === 'linux' ? false : 'needs what Linux tells about processes'

test('a server that imports, fails and deletes holds no more of anything for it', {
  skip,
  timeout: 280_000,
}, async (t) => {
  const report = await runSoak({ imports: 200, seed: 1 })
  t.diagnostic(describeSoak(report))
  // So short a run, beside other tests, says nothing about memory that the system may take back when it likes.
  const findings = report.findings.filter((finding) => !/"(resident memory|write-ahead log)"/.test(finding))
  assert.deepEqual(findings, [], describeSoak(report))
  const { imports, deletions } = report.counts
  assert.ok(imports.succeeded > 100 && imports.failed > 5 && deletions.succeeded > 50)
})
