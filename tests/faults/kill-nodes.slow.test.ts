import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPostgres } from '../support/postgres.ts'
import { killNodes } from './kill-nodes.ts'
import { describeKills } from './kill-report.ts'

for (const store of ['folder', 'azblob']) {
  test(`three nodes on one PostgreSQL and one ${store} survive that one is killed, one paused, and PostgreSQL crashed`, {
    skip: noPostgres,
  }, async (t) => {
    const report = await killNodes({ kills: 3, nodes: 3, store, seed: Date.now() % 1_000_000_000 })
    t.diagnostic(describeKills(report))
    assert.deepEqual(report.findings, [], describeKills(report))
    assert.deepEqual(Object.values(report.blows), [1, 1, 1, 0, 0])
    const { imports, reads } = report.counts
    assert.ok(imports.succeeded > 0 && reads.contents > 0)
  })
}
