import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { forgetAudit } from '../../store/audit.ts'
import { forgetBlob, isBlobInForce, listIdleBlobs } from '../../store/blobs/blobs.ts'
import { forgetEvents } from '../../store/events/events.ts'
import { forgetOperations } from '../../store/operations/operations.ts'
import { listPartials } from '../../store/operations/progress.ts'

/** Ended operations are kept this long (REST API 2022-10-01, List Operations). */
export const OPERATIONS_KEPT_MS = 7 * 24 * 3600 * 1000

/** The table answers questions about the near past; the file of lines is the operator's to rotate. */
const AUDIT_KEPT_MS = 90 * 24 * 3600 * 1000

/** As long as operations, unless told. */
const EVENTS_KEPT_MS = OPERATIONS_KEPT_MS

/** Rows of a kind that one pass looks at, so that a pass stays short. */
const PASS_MAX = 500

export interface SweepReport {
  blobsDeleted: number
  operationsForgotten: number
  auditForgotten: number
  eventsForgotten: number
  /** There was more than one pass looks at. */
  hasMore: boolean
}

/**
 * Deletes blobs that nothing has named for `graceMs`, and forgets old operations, audit entries and events. A blob's
 * row goes first, and only while no update names and no import holds it; its bytes after that. A copy that is written
 * later has another name, so deleting the old one late harms nobody.
 */
export async function sweep(
  { database, blobs }: { database: Database; blobs: BlobStore },
  { graceMs, eventsKeptMs = EVENTS_KEPT_MS }: { graceMs: number; eventsKeptMs?: number },
): Promise<SweepReport> {
  let blobsDeleted = 0
  const idleBlobs = await listIdleBlobs(database, { graceMs, limit: PASS_MAX })
  for (const idle of idleBlobs) {
    if (!(await forgetBlob(database, idle, graceMs))) continue
    await blobs.delete(idle.name)
    blobsDeleted += 1
  }
  const operationsForgotten = await forgetOperations(database, OPERATIONS_KEPT_MS, PASS_MAX)
  const auditForgotten = await forgetAudit(database, AUDIT_KEPT_MS, PASS_MAX)
  const eventsForgotten = await forgetEvents(database, eventsKeptMs, PASS_MAX)
  const hasMore = [idleBlobs.length, operationsForgotten, auditForgotten, eventsForgotten].includes(PASS_MAX)
  return { blobsDeleted, operationsForgotten, auditForgotten, eventsForgotten, hasMore }
}

/** Longer than any import may take: whatever is younger may still be on its way into force. */
const LEFTOVER_AGE_MS = 24 * 3600 * 1000

/**
 * Deletes what a crash can leave in the store: copies that were begun, or committed, but never came in force. Looks at the whole
 * store, so it runs rarely and not with every sweep, and ends early when `signal` aborts. Answers how many.
 */
export async function sweepLeftovers(
  { database, blobs }: { database: Database; blobs: BlobStore },
  signal: AbortSignal,
): Promise<number> {
  let deleted = await blobs.dropAbandoned(LEFTOVER_AGE_MS, await listPartials(database))
  const bornBefore = Date.now() - LEFTOVER_AGE_MS
  for await (const { name, storedAt } of blobs.list()) {
    if (signal.aborted) break
    if (storedAt > bornBefore || (await isBlobInForce(database, name))) continue
    await blobs.delete(name)
    deleted += 1
  }
  return deleted
}
