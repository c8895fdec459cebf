import type { ContentName, CopyState } from '../../domain/distribution.ts'
import type { Database, Statement } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** What a check of a store looks at in one go: the next `limit` after `after`, by content id. */
interface Part {
  after: string
  limit: number
}

/**
 * Wants what the catalogue has in a part, where the store was not told yet. Answers where the next part begins;
 * undefined after the last.
 */
export async function wantPart(database: Database, store: string, { after, limit }: Part): Promise<string | undefined> {
  const rows = await database.query(
    `select f.content_id, case when f.scan_result <> 'Infected' and d.content_id is null then 1 else 0 end as is_new
       from files f left join distribution d on d.store = $1 and d.content_id = f.content_id
      where f.content_id > $2 order by f.content_id limit $3`,
    [store, after, limit],
  )
  const last = rows.at(-1)
  if (last === undefined) return undefined
  // Reading costs nobody anything, so nothing is written in vain.
  if (rows.some((row) => Number(row.is_new) === 1)) {
    await database.batch([
      {
        sql: `insert into distribution (store, content_id, instance, file_name, size_in_bytes, state, changed_at, due_at, tries)
                select $1, content_id, instance, file_name, size_in_bytes, 'Waiting', ${NOW}, ${NOW}, 0
                  from files where content_id > $2 and content_id <= $3 and scan_result <> 'Infected'
              on conflict (store, content_id) do nothing`,
        params: [store, after, String(last.content_id)],
      },
    ])
  }
  return rows.length === limit ? String(last.content_id) : undefined
}

/** A copy as a check finds it in the database. */
export interface NotedCopy extends ContentName {
  sizeInBytes: number
  state: CopyState
  /** Whether the catalogue has it, and devices may get it. */
  isWanted: boolean
}

/** What is noted of a part of the copies of a store. */
export async function listNotedCopies(database: Database, store: string, { after, limit }: Part): Promise<NotedCopy[]> {
  const rows = await database.query(
    `select d.content_id, d.file_name, d.size_in_bytes, d.state, case when f.scan_result <> 'Infected' then 1 else 0 end as is_wanted
       from distribution d left join files f on f.content_id = d.content_id
      where d.store = $1 and d.content_id > $2 order by d.content_id limit $3`,
    [store, after, limit],
  )
  return rows.map((row) => ({
    contentId: String(row.content_id),
    fileName: String(row.file_name),
    sizeInBytes: Number(row.size_in_bytes),
    state: String(row.state) as CopyState,
    isWanted: Number(row.is_wanted) === 1,
  }))
}

/** Has a copy copied or dropped, unless somebody has changed its state since then. */
export function redoCopy({
  store,
  contentId,
  state,
  since,
}: {
  store: string
  contentId: string
  state: 'Waiting' | 'Dropping'
  /** By the database's clock. */
  since: number
}): Statement {
  return {
    sql: `update distribution set state = $1, changed_at = ${NOW}, due_at = ${NOW}, tries = 0, reason = null
           where store = $2 and content_id = $3 and changed_at <= $4`,
    params: [state, store, contentId, since],
  }
}

/** Whether a store should have, or had, this copy. */
export async function isNoted(
  database: Database,
  store: string,
  { contentId, fileName }: ContentName,
): Promise<boolean> {
  const rows = await database.query(
    'select 1 as noted from distribution where store = $1 and content_id = $2 and file_name = $3',
    [store, contentId, fileName],
  )
  return rows.length > 0
}

/** The database's clock, in milliseconds since 1970. */
export async function databaseTime(database: Database): Promise<number> {
  const [row] = await database.query('select now_ms from clock')
  return Number(row?.now_ms)
}

/** What a check of a store found: copies it saw, of those noted as present those it missed, and copies nobody wants that it deleted. */
export interface StoreFindings {
  listed: number
  missing: number
  deleted: number
}

/** Notes a check that came to its end. */
export async function noteCheck(
  database: Database,
  store: string,
  { listed, missing, deleted }: StoreFindings,
): Promise<void> {
  await database.query(
    `insert into distribution_checks (store, checked_at, listed, missing, deleted) values ($1, ${NOW}, $2, $3, $4)
     on conflict (store) do update set checked_at = excluded.checked_at, listed = excluded.listed,
       missing = excluded.missing, deleted = excluded.deleted, failed_at = null, failure = null`,
    [store, listed, missing, deleted],
  )
}

/** Notes a check that did not. */
export async function noteCheckFailure(database: Database, store: string, failure: string): Promise<void> {
  await database.query(
    `insert into distribution_checks (store, failed_at, failure) values ($1, ${NOW}, $2)
     on conflict (store) do update set failed_at = excluded.failed_at, failure = excluded.failure`,
    [store, failure],
  )
}

/** When the last check of a store came to its end, and how long ago that is; undefined if none did. */
export async function findCheck(database: Database, store: string): Promise<{ at: number; ageMs: number } | undefined> {
  const [row] = await database.query(
    `select checked_at, ${NOW} - checked_at as age_ms from distribution_checks where store = $1 and checked_at is not null`,
    [store],
  )
  return row && { at: Number(row.checked_at), ageMs: Math.max(0, Number(row.age_ms)) }
}
