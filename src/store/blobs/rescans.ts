import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { BlobName } from '../../domain/blob.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { insertAudit } from '../audit.ts'
import { NOW } from '../clock.ts'

/**
 * The wish that what an instance has is scanned again. It says since when, and every content says when it was last scanned: what is left
 * to do follows from the two, so that nothing has to be remembered on the way.
 */
export interface Rescan {
  instance: string
  /** Milliseconds since 1970. */
  wantedAt: number
  /** Verdicts that rest on these need no renewal. Absent: everything is to be scanned. */
  signatures?: string
  /** When nothing was left to do; absent while something may be. */
  endedAt?: number
}

/**
 * Asks for a rescan, together with the audit entry that tells of it. One that still goes on begins anew, and goes on to spare nothing if
 * it did so.
 */
export async function wantRescan(
  database: Database,
  { instance, signatures, audit }: { instance: string; signatures?: string | undefined; audit: AuditEntry },
): Promise<void> {
  await database.batch([
    {
      sql: `update instances
               set rescan_signatures =
                     case when rescan_wanted_at is not null and rescan_ended_at is null and rescan_signatures is null
                          then null else $1 end,
                   rescan_wanted_at = ${NOW},
                   rescan_ended_at = null
             where instance = $2`,
      params: [signatures ?? null, instance],
      mustChangeRows: true,
    },
    insertAudit(audit),
  ])
}

/** The rescan that was asked for last, whether or not it has ended. */
export async function findRescan(database: Database, instance: string): Promise<Rescan | undefined> {
  const [row] = await database.query(`${SELECT_RESCAN} where instance = $1 and rescan_wanted_at is not null`, [
    instance,
  ])
  return row && rescanOf(row)
}

/** The rescans that have not ended, the oldest first. */
export async function listRescansToDo(database: Database): Promise<Rescan[]> {
  const rows = await database.query(
    `${SELECT_RESCAN} where rescan_wanted_at is not null and rescan_ended_at is null order by rescan_wanted_at, instance`,
  )
  return rows.map(rescanOf)
}

const SELECT_RESCAN = 'select instance, rescan_wanted_at, rescan_signatures, rescan_ended_at from instances'

function rescanOf(row: Record<string, unknown>): Rescan {
  return {
    instance: String(row.instance),
    wantedAt: Number(row.rescan_wanted_at),
    ...(row.rescan_signatures !== null && { signatures: String(row.rescan_signatures) }),
    ...(row.rescan_ended_at !== null && { endedAt: Number(row.rescan_ended_at) }),
  }
}

/** Ends a rescan, unless another one was asked for meanwhile. */
export async function endRescan(database: Database, { instance, wantedAt }: Rescan): Promise<void> {
  await database.query(
    `update instances set rescan_ended_at = ${NOW}
      where instance = $1 and rescan_wanted_at = $2 and rescan_ended_at is null`,
    [instance, wantedAt],
  )
}

/** The part of an instance's contents that a walk looks at in one go: the next `limit` after `after`, by their SHA-256. */
interface Part {
  after: string
  limit: number
}

const PART = `(select distinct sha256 from files where instance = $1 and sha256 > $2 order by sha256 limit $3)`

/** What a rescan has still to look at. A time that is the same says nothing about what came first. */
const TO_DO = `b.scanned_at <= $4 and ($5 = '' or b.signatures is null or b.signatures <> $5)`

/** A content that was not scanned since the rescan was asked for. */
export interface ContentToScan {
  sha256: string
  name: BlobName
  sizeInBytes: number
  scannedAt: number
}

/** Those of a part that are to be scanned, and where the next part begins; absent after the last one. */
export async function listContentsToScan(
  database: Database,
  { instance, wantedAt, signatures = '' }: Rescan,
  { after, limit }: Part,
): Promise<{ contents: ContentToScan[]; next?: string }> {
  const rows = await database.query(
    `select b.sha256, b.name, b.size_in_bytes, b.scanned_at, case when ${TO_DO} then 1 else 0 end as is_to_do
       from ${PART} c join blobs b on b.sha256 = c.sha256 order by b.sha256`,
    [instance, after, limit, wantedAt, signatures],
  )
  const last = rows.at(-1)
  return {
    contents: rows
      .filter((row) => Number(row.is_to_do) === 1)
      .map((row) => ({
        sha256: String(row.sha256),
        name: String(row.name) as BlobName,
        sizeInBytes: Number(row.size_in_bytes),
        scannedAt: Number(row.scanned_at),
      })),
    ...(last !== undefined && rows.length === limit && { next: String(last.sha256) }),
  }
}

/** Contents of an instance, by how a rescan stands with them. */
export interface ContentCounts {
  total: number
  /** Still to be scanned. */
  remaining: number
  /** Known to be infected, by whatever scan. */
  infected: number
  /** Never scanned, or tried in vain by the last rescan; without those that remain. */
  notScanned: number
}

/** The counts of a part, and where the next part begins; absent after the last one. */
export async function countContents(
  database: Database,
  { instance, wantedAt, signatures = '', endedAt }: Rescan,
  { after, limit }: Part,
): Promise<{ counts: ContentCounts; next?: string }> {
  // Of a rescan that has ended nothing remains; what came in later is no part of it.
  const isOpen = endedAt === undefined
  const [row] = await database.query(
    `select max(sha256) as last, count(*) as total, sum(to_do) as remaining, sum(infected) as infected,
            sum(case when to_do = 0 then unscanned else 0 end) as not_scanned
       from (select b.sha256,
                    case when ${isOpen ? TO_DO : 'false'} then 1 else 0 end as to_do,
                    case when b.scan_result = 'Infected' then 1 else 0 end as infected,
                    case when b.scan_failure is not null or b.scan_result is null or b.scan_result = 'NotScanned'
                         then 1 else 0 end as unscanned
               from ${PART} c join blobs b on b.sha256 = c.sha256) d`,
    [instance, after, limit, ...(isOpen ? [wantedAt, signatures] : [])],
  )
  const total = Number(row?.total ?? 0)
  return {
    counts: {
      total,
      remaining: Number(row?.remaining ?? 0),
      infected: Number(row?.infected ?? 0),
      notScanned: Number(row?.not_scanned ?? 0),
    },
    ...(total === limit && { next: String(row?.last) }),
  }
}

/** Updates of an instance that have an infected file, at most `limit` of them. */
export async function listInfectedUpdates(database: Database, instance: string, limit: number): Promise<UpdateId[]> {
  const rows = await database.query(
    `select provider, name, version from updates where instance = $1 and scan_result = 'Infected'
      order by provider_key, name_key, version_order limit $2`,
    [instance, limit],
  )
  return rows.map((row) => ({
    provider: String(row.provider),
    name: String(row.name),
    version: String(row.version),
  }))
}
