import type { BlobStore } from '../ports/blob-store.ts'
import type { Database } from '../ports/database.ts'
import type { Log } from '../ports/log.ts'
import type { Scanner } from '../ports/scanner.ts'
import { isStoreOf } from './blobs/recognise-store.ts'
import { sweep, sweepLeftovers } from './deleting/sweep.ts'
import { keepNumbering } from './events/number-events.ts'
import { startDuty } from './nodes/duties.ts'
import type { Membership } from './nodes/membership.ts'
import { rescan } from './scanning/rescan.ts'
import { expireUploads } from './staging/expire-uploads.ts'

const DAY_MS = 24 * 3600 * 1000
/** How much longer than they should uploads may live. */
const EXPIRE_EVERY_MS = 60_000
/** How soon a rescan begins after it was asked for. A round in which none was is one small query. */
const RESCAN_EVERY_MS = 1000

/**
 * What is done beside the operations, again and again: sweep, what crashes left, uploads that expire, rescans, numbers
 * of events. Each on one node at a time.
 */
export function startHousekeeping({
  database,
  blobs,
  own,
  scanner,
  graceMs,
  stagingKeepMs,
  eventsKeptMs,
  membership,
  log,
}: {
  database: Database
  blobs: BlobStore
  /** The store by itself, without those that are only read. */
  own: BlobStore
  scanner: Scanner | undefined
  /** How long bytes are kept that nothing names. */
  graceMs: number
  /** How long uploads are kept. */
  stagingKeepMs: number
  /** How long events are kept. */
  eventsKeptMs: number
  membership: Membership
  log: Log
}): { stop(): Promise<void> } {
  const shared = { membership, log }
  const duties = [
    startDuty('sweep', { ...shared, everyMs: Math.min(Math.max(graceMs / 2, 500), 600_000) }, async (signal) => {
      let hasMore = true
      while (hasMore && !signal.aborted) {
        const report = await sweep({ database, blobs }, { graceMs, eventsKeptMs })
        hasMore = report.hasMore
        if (Object.values(report).some(Number)) log.info(report, 'swept')
      }
    }),
    startDuty(
      'expire-uploads',
      { ...shared, everyMs: Math.min(Math.max(stagingKeepMs / 4, 100), EXPIRE_EVERY_MS) },
      async (signal) => {
        const expired = await expireUploads(database, signal)
        if (expired > 0) log.info({ expired }, 'ended uploads that nobody imported')
      },
    ),
    startDuty('sweep-leftovers', { ...shared, everyMs: DAY_MS }, async (signal) => {
      if (!(await isStoreOf(database, own))) return
      const leftovers = await sweepLeftovers({ database, blobs }, signal)
      if (leftovers > 0) log.info({ leftovers }, 'deleted what a crash left in the store')
    }),
  ]
  duties.push(keepNumbering({ database, membership, log }))
  if (scanner !== undefined) {
    duties.push(
      startDuty('rescan', { ...shared, everyMs: RESCAN_EVERY_MS }, (signal) =>
        rescan({ database, blobs, scanner, log }, signal),
      ),
    )
  }
  return {
    async stop() {
      await Promise.all(duties.map((duty) => duty.stop()))
    },
  }
}
