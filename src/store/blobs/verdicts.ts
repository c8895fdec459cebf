import { type NotScanned, type Verdict, wireVerdict } from '../../domain/verdict.ts'
import type { Database, Statement } from '../../ports/database.ts'
import { NOW } from '../clock.ts'
import { followVerdict } from '../distribution/distribution.ts'
import { newEtag } from '../etags.ts'
import { tellInfected } from '../events/events.ts'

/** Moves on even within a millisecond, and when the clock does not. */
const LATER = `case when ${NOW} > scanned_at then ${NOW} else scanned_at + 1 end`

/**
 * Keeps what the scanner said of a content, and tells it of every file with that content and of every update with such a file, in one
 * batch. The content of infected files is not served; once it is found clean again, it is.
 *
 * `scannedBefore` is the `scannedAt` of the blob as it was known before the scan began: a `Clean` replaces an `Infected` only if nobody
 * else scanned since. `NotScanned` never replaces what a scanner has said.
 */
export async function recordVerdict(
  database: Database,
  sha256: string,
  verdict: Verdict,
  { scannedBefore }: { scannedBefore?: number | undefined } = {},
): Promise<void> {
  await database.batch(verdictStatements(sha256, verdict, { scannedBefore }))
}

/**
 * Notes that a rescan could not scan a content, so that it goes on to others. The last verdict stays in force; where there
 * never was one, `NotScanned` becomes it.
 */
export async function recordScanFailure(database: Database, sha256: string, notScanned: NotScanned): Promise<void> {
  await database.batch([
    ...verdictStatements(sha256, notScanned),
    {
      sql: `update blobs set scan_failure = $1, scanned_at = ${LATER} where sha256 = $2`,
      params: [notScanned.reason, sha256],
    },
  ])
}

/** The statements of `recordVerdict`, for the batch that puts the content in force. */
export function verdictStatements(
  sha256: string,
  verdict: Verdict,
  { scannedBefore = 0 }: { scannedBefore?: number | undefined } = {},
): Statement[] {
  const text = JSON.stringify(verdict)
  const { scanResult, scanDetails } = wireVerdict(verdict)
  return [
    replaceVerdict(sha256, verdict, scannedBefore),
    // Only if it is in force now.
    {
      sql: `update files set scan_result = $1, scan_details = $2, etag = $3
             where sha256 = $4 and (scan_result <> $1 or scan_details is null or scan_details <> $2)
               and exists (select 1 from blobs where sha256 = $4 and verdict = $5)`,
      params: [scanResult, scanDetails, newEtag(), sha256, text],
    },
    ...tellInfected(sha256, verdict),
    {
      sql: `update updates set scan_result = ${WORST_OF_FILES}, etag = $1
             where id in (select update_id from files where sha256 = $2) and scan_result <> ${WORST_OF_FILES}`,
      params: [newEtag(), sha256],
    },
    ...followVerdict(sha256),
  ]
}

/** Puts a verdict in force, if that which is in force gives way to it. */
function replaceVerdict(sha256: string, verdict: Verdict, scannedBefore: number): Statement {
  const params = [JSON.stringify(verdict), wireVerdict(verdict).scanResult, sha256]
  if (verdict.kind === 'NotScanned') {
    return {
      sql: `update blobs set verdict = $1, scan_result = $2
             where sha256 = $3 and (scan_result is null or scan_result = 'NotScanned')`,
      params,
    }
  }
  const set = `update blobs set verdict = $1, scan_result = $2, signatures = $4, scan_failure = null, scanned_at = ${LATER}
                where sha256 = $3`
  // Malware that somebody found while this scan ran is not undone by its end.
  return verdict.kind === 'Infected'
    ? { sql: set, params: [...params, verdict.signatures] }
    : {
        sql: `${set} and (scan_result is null or scan_result <> 'Infected' or scanned_at = $5)`,
        params: [...params, verdict.signatures, scannedBefore],
      }
}

/** The same as `worstOf`. */
const WORST_OF_FILES = `(
  select case min(case scan_result when 'Infected' then 0 when 'NotScanned' then 1 else 2 end)
           when 0 then 'Infected' when 1 then 'NotScanned' else 'Success' end
    from files where update_id = updates.id)`

/** Forbids, in the batch that publishes, what is known to be malware by now: it changes a row only if the content is not infected. */
export function guardNotInfected(sha256: string): Statement {
  return {
    sql: `update blobs set idle_since = null where sha256 = $1 and (scan_result is null or scan_result <> 'Infected')`,
    params: [sha256],
    mustChangeRows: true,
  }
}
