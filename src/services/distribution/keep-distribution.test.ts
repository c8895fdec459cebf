import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../../tests/support/operation-end.ts'
import { broken, CDN, type Distributed, startDistributed } from '../../../tests/support/start-distributed.ts'
import { findCheck } from '../../store/distribution/distribution-checks.ts'
import { ALONE } from '../nodes/membership.ts'
import { keepDistribution } from './keep-distribution.ts'

const EVERY_MS = 50

/** Keeps the store of a test; counts its checks, and what the log was warned of. */
function keep({ database, blobs, cdn }: Distributed) {
  const seen = { checks: 0, warnings: 0 }
  const store = broken(cdn, {
    list() {
      seen.checks += 1
      return cdn.list()
    },
  })
  const { stop } = keepDistribution({
    stores: [{ name: CDN, store }],
    checkEveryMs: EVERY_MS,
    database,
    blobs,
    membership: ALONE,
    metrics: { copyEnded() {} },
    log: {
      info() {},
      warn() {
        seen.warnings += 1
      },
      error: assert.fail,
    },
  })
  return { seen, stop, [Symbol.asyncDispose]: stop }
}

test('a store is checked at the start, and again only when nobody else has done so for a while', async () => {
  await using distributed = await startDistributed()
  const { database } = distributed
  await distributed.check()
  await using kept = keep(distributed)
  await eventually('it is checked, although that was done a moment ago', () => kept.seen.checks === 1)
  const noteOtherCheck = (ageMs: number) =>
    database.query('update distribution_checks set checked_at = (select now_ms from clock) - $1', [ageMs])
  await eventually('it is left alone', async () => {
    // Later than the note of one that is on its way.
    await noteOtherCheck(-60_000)
    const before = kept.seen.checks
    await sleep(4 * EVERY_MS)
    return kept.seen.checks === before
  })
  const { checks } = kept.seen
  await noteOtherCheck(60_000)
  await eventually('it is checked again', () => kept.seen.checks > checks)
})

test('a store that cannot be checked is checked again later, and the reason is kept', async () => {
  await using distributed = await startDistributed()
  const { database, cdnFolder } = distributed
  await writeFile(cdnFolder, 'no folder')
  await using kept = keep(distributed)
  await eventually('it was tried twice', () => kept.seen.warnings >= 2)
  assert.equal(await findCheck(database, CDN), undefined)
  const [row] = await database.query('select failure from distribution_checks where store = $1', [CDN])
  assert.match(String(row?.failure), /^ENOTDIR/)
})
