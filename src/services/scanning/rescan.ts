import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises'
import type { NotScanned, Verdict } from '../../domain/verdict.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { Log } from '../../ports/log.ts'
import type { Scanner } from '../../ports/scanner.ts'
import {
  type ContentToScan,
  endRescan,
  listContentsToScan,
  listRescansToDo,
  type Rescan,
} from '../../store/blobs/rescans.ts'
import { recordScanFailure, recordVerdict } from '../../store/blobs/verdicts.ts'
import { forEachLimited } from '../for-each-limited.ts'

/** Contents that are scanned at the same time. Few: imports are in more of a hurry, and the scanner is the same. */
const CONTENTS_AT_ONCE = 2

/** Pauses before a content is tried again. Short: what cannot be scanned now is told, and others wait behind it. */
const PAUSES_MS: readonly number[] = [1000, 5000]

/** A scanner that is away or tests its limits is asked again this often; that costs nothing. */
const READY_POLL_MS = 250

/** Contents that one statement looks at, so that a large catalogue holds nobody up. */
export const PART_SIZE = 500

export interface RescanContext {
  database: Database
  blobs: BlobStore
  scanner: Scanner
  log: Pick<Log, 'info' | 'warn'>
  /** Pauses before a content is tried again, in milliseconds. */
  pausesMs?: readonly number[]
}

/**
 * Does what is left to do of every rescan that was asked for. Contents go on being served under their last verdict meanwhile; found
 * infected, they no longer are. Nothing is remembered but when each content was scanned, so a round may end at any moment, by `signal`
 * or with the process, and the next one goes on where it was.
 *
 * What cannot be scanned is noted with the reason, and passed over. While the scanner is away nothing is, and the round waits.
 */
export async function rescan(context: RescanContext, signal: AbortSignal): Promise<void> {
  const { database, log } = context
  try {
    for (const wanted of await listRescansToDo(database)) {
      const { instance } = wanted
      log.info({ instance }, 'rescan goes on')
      await rescanInstance(wanted, context, signal)
      await endRescan(database, wanted)
      log.info({ instance }, 'rescan ended')
    }
  } catch (error) {
    // What an aborted round throws is only an echo of the abort.
    if (!signal.aborted) throw error
  }
}

/** Walks once through everything that the instance has. What comes in behind it is scanned by its import. */
async function rescanInstance(wanted: Rescan, context: RescanContext, signal: AbortSignal): Promise<void> {
  for (let next: string | undefined = ''; next !== undefined; ) {
    // Databases that answer at once would not let anybody else have a turn.
    await breathe(undefined, { signal })
    const part = await listContentsToScan(context.database, wanted, { after: next, limit: PART_SIZE })
    await forEachLimited(part.contents, { limit: CONTENTS_AT_ONCE, signal }, (content, either) =>
      scanContent(content, context, either),
    )
    next = part.next
  }
}

async function scanContent(content: ContentToScan, context: RescanContext, signal: AbortSignal): Promise<void> {
  const { database, scanner, log, pausesMs = PAUSES_MS } = context
  const { sha256, scannedAt } = content
  for (let tries = 0; ; tries += 1) {
    // Only what fails although the scanner was there is the content's fault.
    await untilReady(scanner, signal)
    const verdict = await scanStored(content, context, signal)
    if (verdict.kind !== 'NotScanned') {
      if (verdict.kind === 'Infected') log.warn({ sha256, found: verdict.name }, 'malware found: content withdrawn')
      return recordVerdict(database, sha256, verdict, { scannedBefore: scannedAt })
    }
    const pauseMs = verdict.mayRecover ? pausesMs[tries] : undefined
    if (pauseMs === undefined) {
      log.warn({ sha256, reason: verdict.reason }, 'content cannot be scanned')
      return recordScanFailure(database, sha256, verdict)
    }
    await sleep(pauseMs, undefined, { signal })
  }
}

async function untilReady(scanner: Scanner, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { signatures, isTesting } = scanner.status()
    if (signatures !== undefined && !isTesting) return
    await sleep(READY_POLL_MS, undefined, { signal })
  }
}

async function scanStored(
  { name, sizeInBytes }: ContentToScan,
  { blobs, scanner }: RescanContext,
  signal: AbortSignal,
): Promise<Verdict> {
  await using scan = await scanner.begin({ sizeInBytes, signal })
  try {
    for await (const chunk of await blobs.open(name)) {
      signal.throwIfAborted()
      if (scan.notScanned !== undefined) break
      await scan.write(chunk)
    }
  } catch (error) {
    signal.throwIfAborted()
    return unreadable(error)
  }
  return await scan.verdict()
}

/** Waiting does not bring bytes back that are missing or damaged; `aduana doctor` looks for those. */
function unreadable(error: unknown): NotScanned {
  const reason = error instanceof Error ? error.message : String(error)
  return { kind: 'NotScanned', reason: `The store could not give the bytes: ${reason}`, mayRecover: false }
}
