import type { BlobName } from '../../domain/blob.ts'
import type { Database, Statement } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/**
 * Wants the files of an update at a store: to be copied, or, where they are there already, as `Present`. In the batch
 * that publishes it.
 */
export function wantCopiesOf(updateId: string, { store, isThere }: { store: string; isThere: boolean }): Statement {
  return {
    sql: `insert into distribution (store, content_id, instance, file_name, size_in_bytes, state, changed_at, due_at, tries)
            select $1, content_id, instance, file_name, size_in_bytes, $2, ${NOW}, ${isThere ? 'null' : NOW}, 0
              from files where update_id = $3`,
    params: [store, isThere ? 'Present' : 'Waiting', updateId],
  }
}

const DROP = `update distribution set state = 'Dropping', changed_at = ${NOW}, due_at = ${NOW}, tries = 0, reason = null`
const COPY = `update distribution set state = 'Waiting', changed_at = ${NOW}, due_at = ${NOW}, tries = 0, reason = null`

/** Wants nothing of an update any more, unless another one references it. In the batch that deletes it, before it is gone. */
export function dropCopiesOf(updateId: string): Statement {
  return {
    sql: `${DROP} where content_id in (select content_id from files where update_id = $1)
            and not exists (select 1 from update_references where child_id = $1)`,
    params: [updateId],
  }
}

/** Wants a content nowhere once it is infected, and everywhere again once it no longer is. In the batch that notes a verdict. */
export function followVerdict(sha256: string): Statement[] {
  const files = 'content_id in (select content_id from files where sha256 = $1 and scan_result'
  return [
    { sql: `${DROP} where state <> 'Dropping' and ${files} = 'Infected')`, params: [sha256] },
    { sql: `${COPY} where state = 'Dropping' and ${files} <> 'Infected')`, params: [sha256] },
  ]
}

/** Something to do at a store. */
export interface DueCopy {
  contentId: string
  fileName: string
  sizeInBytes: number
  tries: number
  /** What to copy; undefined for what is to be deleted there. */
  source: { sha256: string; blob: BlobName } | undefined
}

/** What is due at a store, the longest first. */
export async function listDueCopies(database: Database, store: string, limit: number): Promise<DueCopy[]> {
  const rows = await database.query(
    `select d.content_id, d.file_name, d.size_in_bytes, d.state, d.tries, f.sha256, b.name as blob
       from distribution d left join files f on f.content_id = d.content_id left join blobs b on b.sha256 = f.sha256
      where d.store = $1 and d.due_at <= ${NOW} order by d.due_at limit $2`,
    [store, limit],
  )
  return rows.map((row) => ({
    contentId: String(row.content_id),
    fileName: String(row.file_name),
    sizeInBytes: Number(row.size_in_bytes),
    tries: Number(row.tries),
    source:
      row.state === 'Waiting' && row.blob !== null
        ? { sha256: String(row.sha256), blob: String(row.blob) as BlobName }
        : undefined,
  }))
}

/** Notes that a copy is there. False if it is not wanted there any more: then the caller deletes it. */
export async function noteCopied(
  database: Database,
  { store, contentId }: { store: string; contentId: string },
): Promise<boolean> {
  const rows = await database.query(
    `update distribution set state = 'Present', changed_at = ${NOW}, due_at = null, tries = 0, reason = null
      where store = $1 and content_id = $2 and state <> 'Dropping' returning content_id`,
    [store, contentId],
  )
  return rows.length === 1
}

/** Notes that a copy was deleted, unless it is wanted again. */
export async function noteDropped(
  database: Database,
  { store, contentId }: { store: string; contentId: string },
): Promise<void> {
  await database.query(
    `delete from distribution where store = $1 and content_id = $2
        and (state = 'Dropping' or not exists (select 1 from files where files.content_id = distribution.content_id))`,
    [store, contentId],
  )
}

/** Notes why something could not be done at a store, and that it is due again in `pauseMs`. */
export async function noteCopyFailure(
  database: Database,
  { store, contentId, reason, pauseMs }: { store: string; contentId: string; reason: string; pauseMs: number },
): Promise<void> {
  await database.query(
    `update distribution set tries = tries + 1, reason = $1, due_at = ${NOW} + $2
      where store = $3 and content_id = $4 and state <> 'Present'`,
    [reason, pauseMs, store, contentId],
  )
}
