import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { NamedStore } from '../../ports/distribution-store.ts'
import type { Log } from '../../ports/log.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { findCheck, noteCheckFailure } from '../../store/distribution/distribution-checks.ts'
import { startDuty } from '../nodes/duties.ts'
import type { Membership } from '../nodes/membership.ts'
import { distribute } from './distribute.ts'
import { reconcileStore } from './reconcile-store.ts'

/** How soon what an import published is copied. A round in which nothing is due is one small query. */
const LOOK_EVERY_MS = 1000

/**
 * Keeps distribution stores as the catalogue wants them, as long as the server runs: each is looked after by one node at a time, and
 * checked from end to end when a server starts, and `checkEveryMs` after the last check.
 */
export function keepDistribution({
  stores,
  checkEveryMs,
  database,
  blobs,
  membership,
  metrics,
  log,
}: {
  stores: readonly NamedStore[]
  checkEveryMs: number
  database: Database
  blobs: BlobStore
  membership: Membership
  metrics: Pick<Metrics, 'copyEnded'>
  log: Log
}): { stop(): Promise<void> } {
  async function check(store: NamedStore, signal: AbortSignal): Promise<void> {
    try {
      const findings = await reconcileStore({ database, ...store }, signal)
      if (findings.missing + findings.deleted > 0)
        log.info({ store: store.name, ...findings }, 'checked a distribution store')
    } catch (error) {
      if (signal.aborted) return
      log.warn({ store: store.name, err: error }, 'cannot check a distribution store')
      await noteCheckFailure(database, store.name, error instanceof Error ? error.message : String(error))
    }
  }

  const duties = stores.flatMap((store) => {
    let isFirst = true
    return [
      startDuty(`distribute ${store.name}`, { membership, everyMs: LOOK_EVERY_MS, log }, (signal) =>
        distribute({ database, blobs, metrics, log, ...store }, signal),
      ),
      startDuty(`check ${store.name}`, { membership, everyMs: checkEveryMs, log }, async (signal) => {
        // Another node may have checked meanwhile. Timers and the database's clock agree only roughly.
        const last = await findCheck(database, store.name)
        if (isFirst || last === undefined || last.ageMs > 0.9 * checkEveryMs) await check(store, signal)
        isFirst = false
      }),
    ]
  })
  return {
    async stop() {
      await Promise.all(duties.map((duty) => duty.stop()))
    },
  }
}
