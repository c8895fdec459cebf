import { setTimeout as sleep } from 'node:timers/promises'
import { contentPath } from '../../domain/distribution.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { NamedStore } from '../../ports/distribution-store.ts'
import type { Log } from '../../ports/log.ts'
import type { Metrics } from '../../ports/metrics.ts'
import {
  type DueCopy,
  listDueCopies,
  noteCopied,
  noteCopyFailure,
  noteDropped,
} from '../../store/distribution/distribution.ts'
import { copyToStore, SourceUnfit } from './copy-to-store.ts'

/** Copies that are on their way to one store at the same time. */
const COPIES_AT_ONCE = 4
/** So many failures in a row are the store's, not those of single copies. */
const FAILURES_MAX = 2 * COPIES_AT_ONCE

/** What is imported while copies are on their way is looked for this often. */
const LOOK_EVERY_MS = 1000

export interface DistributionPauses {
  /** Before the second try at a copy, in milliseconds; it doubles with each further one, up to the longest. */
  firstMs: number
  longestMs: number
  /** Before anything else is tried at a store where nothing works. */
  awayMs: number
}

const PAUSES: DistributionPauses = { firstMs: 1000, longestMs: 300_000, awayMs: 5000 }

/** A sentence is for people; what comes from outside may be long. */
const REASON_LENGTH_MAX = 500

export interface DistributionContext extends NamedStore {
  database: Database
  blobs: BlobStore
  log: Pick<Log, 'info' | 'warn'>
  metrics?: Pick<Metrics, 'copyEnded'> | undefined
  pauses?: DistributionPauses | undefined
}

/**
 * Does all that is due at a store: copies what it should have and deletes what it should not, a few at a time. What fails is noted with the
 * reason and due again later. Nothing but the database knows what is to be done, so this may end at any moment, by `signal` or with the
 * process, and may run twice at the same time.
 */
export async function distribute(context: DistributionContext, signal: AbortSignal): Promise<void> {
  const { database, name, log, pauses = PAUSES } = context
  const busy = new Map<string, Promise<void>>()
  let failuresInARow = 0
  let failure: { error: unknown } | undefined

  async function settle(copy: DueCopy): Promise<void> {
    try {
      const failed = await settleCopy(copy, context, signal)
      // Of failures in a row only the first is news.
      if (failed !== undefined && (failuresInARow === 0 || !failed.byStore)) {
        log.warn(
          { store: name, fileName: copy.fileName, reason: failed.reason },
          'cannot bring a distribution store up to date',
        )
      }
      if (failed === undefined) failuresInARow = 0
      else if (failed.byStore) failuresInARow += 1
    } catch (error) {
      // What an aborted round throws is only an echo of the abort.
      if (!signal.aborted) failure ??= { error }
    } finally {
      busy.delete(copy.contentId)
    }
  }

  while (!signal.aborted && failure === undefined && failuresInARow < FAILURES_MAX) {
    if (busy.size < COPIES_AT_ONCE) {
      for (const copy of await listDueCopies(database, name, COPIES_AT_ONCE)) {
        if (busy.size < COPIES_AT_ONCE && !busy.has(copy.contentId)) busy.set(copy.contentId, settle(copy))
      }
    }
    if (busy.size === 0) return
    await firstOf(busy.values())
  }
  await Promise.all(busy.values())
  if (failure !== undefined) throw failure.error
  if (failuresInARow >= FAILURES_MAX) await sleep(pauses.awayMs, undefined, { signal }).catch(() => {})
}

/**
 * Copies or deletes, and notes what came of it. Answers why that failed, and whether the distribution store is to blame; throws only where
 * nothing can be noted, and when `signal` aborts.
 */
async function settleCopy(
  copy: DueCopy,
  context: DistributionContext,
  signal: AbortSignal,
): Promise<{ reason: string; byStore: boolean } | undefined> {
  const { database, blobs, store, name, metrics, pauses = PAUSES } = context
  const { contentId, source } = copy
  const id = { store: name, contentId }
  const drop = () => store.delete(contentPath(copy))
  try {
    if (source === undefined) await drop()
    else {
      const bytes = await copyToStore({ ...copy, ...source }, { store, blobs, signal })
      metrics?.copyEnded({ store: name, outcome: 'copied', bytes })
    }
  } catch (error) {
    signal.throwIfAborted()
    const reason = reasonOf(error, source === undefined ? 'It cannot be deleted' : 'It cannot be written')
    metrics?.copyEnded({ store: name, outcome: 'failed', bytes: 0 })
    const growing = Math.min(pauses.firstMs * 2 ** copy.tries, pauses.longestMs)
    // What failed together must not all come back together.
    await noteCopyFailure(database, { ...id, reason, pauseMs: Math.round(growing * (0.5 + Math.random())) })
    return { reason, byStore: !(error instanceof SourceUnfit) }
  }
  if (source === undefined) await noteDropped(database, id)
  // Meanwhile somebody may have deleted the update, or found malware in it.
  else if (!(await noteCopied(database, id))) await drop()
  return undefined
}

function reasonOf(error: unknown, what: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const verb = error instanceof SourceUnfit ? 'It cannot be read' : what
  return `${verb}: ${message}`.slice(0, REASON_LENGTH_MAX)
}

/** Waits until one of them has ended, or it is time to look for more. */
async function firstOf(ends: Iterable<Promise<void>>): Promise<void> {
  const looking = new AbortController()
  await Promise.race([...ends, sleep(LOOK_EVERY_MS, undefined, { signal: looking.signal }).catch(() => {})])
  looking.abort()
}
