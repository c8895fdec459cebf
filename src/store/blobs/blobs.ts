import type { BlobName } from '../../domain/blob.ts'
import type { Attempt } from '../../domain/operation.ts'
import type { Verdict } from '../../domain/verdict.ts'
import { BatchConflict, type Database, type Statement } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** The copy of a content that is in force, and what the scanner last said of it. */
export interface KnownBlob {
  name: BlobName
  sizeInBytes: number
  verdict: Verdict | undefined
  /** Changes with every verdict. */
  scannedAt: number
}

/**
 * Holds contents for an operation, before anybody asks whether the store has them. In this order, sweep cannot drop a blob between the
 * question and the publishing: it spares what is held, and what is no longer idle. For a batch that is guarded by the attempt: of a hold
 * of an attempt that was lost nobody would let go.
 */
export function holdContents({ operationId }: Attempt, contents: readonly string[]): Statement[] {
  // Always in the same order, so that two imports never wait for each other's rows.
  return contents.toSorted().flatMap((sha256) => [
    {
      sql: 'insert into blob_holds (operation_id, sha256) values ($1, $2) on conflict (operation_id, sha256) do nothing',
      params: [operationId, sha256],
    },
    // More than a mark: on PostgreSQL it is this row over which an import and a sweep that is about to forget it collide. One that is not idle
    // is left alone, since all imports of a common content would collide there.
    {
      sql: 'update blobs set idle_since = null where sha256 = $1 and idle_since is not null',
      params: [sha256],
    },
  ])
}

/** The copy of a content that the store has. Whoever relies on it has to hold the content (`holdContents`) beforehand. */
export async function findBlob(database: Database, sha256: string): Promise<KnownBlob | undefined> {
  const [row] = await database.query('select name, size_in_bytes, verdict, scanned_at from blobs where sha256 = $1', [
    sha256,
  ])
  return (
    row && {
      name: String(row.name) as BlobName,
      sizeInBytes: Number(row.size_in_bytes),
      verdict: row.verdict === null ? undefined : (JSON.parse(String(row.verdict)) as Verdict),
      scannedAt: Number(row.scanned_at),
    }
  )
}

/** A content that an import holds, or a part of an upload has. */
const IS_WANTED = `
  exists (select 1 from blob_holds where sha256 = $1) or exists (select 1 from staged_parts where sha256 = $1)`

/**
 * Makes a committed copy the one in force, unless another import was first. Answers the copy in force: where it is not
 * `name`, the caller drops its own. A copy that nobody holds any more, since the attempt was lost meanwhile, is idle at once.
 * What `facts` write about it, they write in the same batch.
 */
export async function recordBlob(
  database: Database,
  { sha256, name, sizeInBytes }: { sha256: string; name: BlobName; sizeInBytes: number },
  facts: readonly Statement[] = [],
): Promise<BlobName> {
  // A batch, since the hold must not go between being looked for and the row that depends on it.
  await database.batch([
    {
      sql: `insert into blobs (sha256, name, size_in_bytes, stored_at, idle_since)
            values ($1, $2, $3, ${NOW}, case when ${IS_WANTED} then null else ${NOW} end)
            on conflict (sha256) do nothing`,
      params: [sha256, name, sizeInBytes],
    },
    ...facts,
  ])
  const blob = await findBlob(database, sha256)
  return blob?.name ?? name
}

/** Puts a new copy in force where the old one turned out to be missing from the store. Otherwise as `recordBlob`. */
export async function replaceBlob(
  database: Database,
  { sha256, missing, name }: { sha256: string; missing: BlobName; name: BlobName },
  facts: readonly Statement[] = [],
): Promise<BlobName> {
  await database.batch([
    {
      sql: `update blobs set name = $1, stored_at = ${NOW} where sha256 = $2 and name = $3`,
      params: [name, sha256, missing],
    },
    ...facts,
  ])
  const blob = await findBlob(database, sha256)
  return blob?.name ?? name
}

/** Whether an update of this instance has a file with this content: only then may its bytes be taken as known. */
export async function instanceHasContent(
  database: Database,
  { instance, sha256, sizeInBytes }: { instance: string; sha256: string; sizeInBytes: number },
): Promise<boolean> {
  const rows = await database.query(
    'select 1 as known from files where sha256 = $1 and instance = $2 and size_in_bytes = $3 limit 1',
    [sha256, instance, sizeInBytes],
  )
  return rows.length > 0
}

/** Not `in … or =`: PostgreSQL would read all blobs for that. */
const CONTENTS_OF_UPDATE = `
  select sha256 from files where update_id = $1 union all select manifest_sha256 from updates where id = $1`

/** The copies in force of everything that an update names: its files and its manifest. `storedAt` is in milliseconds since 1970. */
export async function listBlobsOf(
  database: Database,
  updateId: string,
): Promise<{ name: BlobName; sizeInBytes: number; storedAt: number }[]> {
  const rows = await database.query(
    `select name, size_in_bytes, stored_at from blobs
      where sha256 in (${CONTENTS_OF_UPDATE})`,
    [updateId],
  )
  return rows.map((row) => ({
    name: String(row.name) as BlobName,
    sizeInBytes: Number(row.size_in_bytes),
    storedAt: Number(row.stored_at),
  }))
}

/** A blob that may have lost its last user: sweep has to look. */
export interface IdleBlob {
  sha256: string
  name: BlobName
}

/** Blobs that have been idle for `graceMs`, the longest first, at most `limit` of them. */
export async function listIdleBlobs(
  database: Database,
  { graceMs, limit }: { graceMs: number; limit: number },
): Promise<IdleBlob[]> {
  const rows = await database.query(
    `select sha256, name from blobs where idle_since <= ${NOW} - $1 order by idle_since limit $2`,
    [graceMs, limit],
  )
  return rows.map((row) => ({ sha256: String(row.sha256), name: String(row.name) as BlobName }))
}

const UNUSED = `
      not exists (select 1 from files where files.sha256 = blobs.sha256)
  and not exists (select 1 from updates where updates.manifest_sha256 = blobs.sha256)
  and not exists (select 1 from blob_holds where blob_holds.sha256 = blobs.sha256)
  and not exists (select 1 from staged_parts where staged_parts.sha256 = blobs.sha256)`

/**
 * Forgets a blob that is still idle and that nothing names or holds. Its bytes may be deleted only where this answers true.
 * One that turned out to be used is no longer idle.
 */
export async function forgetBlob(database: Database, { sha256, name }: IdleBlob, graceMs: number): Promise<boolean> {
  try {
    await database.batch([
      {
        sql: `delete from blobs where sha256 = $1 and name = $2 and idle_since <= ${NOW} - $3 and ${UNUSED}`,
        params: [sha256, name, graceMs],
        mustChangeRows: true,
      },
    ])
    return true
  } catch (error) {
    if (!(error instanceof BatchConflict)) throw error
  }
  // A batch, since its last user may go at this very moment, and mark it as idle.
  await database.batch([
    { sql: `update blobs set idle_since = null where sha256 = $1 and not (${UNUSED})`, params: [sha256] },
  ])
  return false
}

/** Whether this copy is the one in force. */
export async function isBlobInForce(database: Database, name: BlobName): Promise<boolean> {
  const rows = await database.query('select 1 as known from blobs where name = $1', [name])
  return rows.length > 0
}

/** Marks what an operation holds as idle: for the batch that ends it without publishing. */
export function idleHeldBlobs(operationId: string): Statement {
  return {
    sql: `update blobs set idle_since = ${NOW} where sha256 in (select sha256 from blob_holds where operation_id = $1)`,
    params: [operationId],
  }
}

/** Marks what an update names as idle: for the batch that deletes it, before its rows go. */
export function idleBlobsOf(updateId: string): Statement {
  return {
    sql: `update blobs set idle_since = ${NOW}
           where sha256 in (${CONTENTS_OF_UPDATE})`,
    params: [updateId],
  }
}
