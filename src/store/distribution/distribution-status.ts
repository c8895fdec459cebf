import type { CopyState } from '../../domain/distribution.ts'
import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** The copy of a file at one store. */
export interface FileCopy {
  contentId: string
  store: string
  state: CopyState
  /** Since when it has that state: milliseconds since 1970. */
  since: number
  /** Why the last try failed. */
  reason?: string
}

/** Every copy of the files of an update, in stores that are configured and in others. */
export async function listFileCopies(database: Database, updateId: string): Promise<FileCopy[]> {
  const rows = await database.query(
    `select d.content_id, d.store, d.state, d.changed_at, d.reason
       from files f join distribution d on d.content_id = f.content_id where f.update_id = $1`,
    [updateId],
  )
  return rows.map((row) => ({
    contentId: String(row.content_id),
    store: String(row.store),
    state: String(row.state) as CopyState,
    since: Number(row.changed_at),
    ...(row.reason !== null && { reason: String(row.reason) }),
  }))
}

/** Copies of an instance's files at a store that have the same state. */
export interface CopyGroup {
  store: string
  instance: string
  state: CopyState
}

/** A place in such a group, in the order in which they came to that state. */
export interface CopyPosition {
  since: number
  contentId: string
}

const IN_GROUP = 'store = $1 and instance = $2 and state = $3 and (changed_at, content_id) > ($4, $5)'

/** Counts the next `limit` of a group. `next` is absent after the last part. */
export async function countCopies(
  database: Database,
  { store, instance, state }: CopyGroup,
  { after: { since, contentId }, limit }: { after: CopyPosition; limit: number },
): Promise<{ count: number; next?: CopyPosition }> {
  const params = [store, instance, state, since, contentId]
  const [last] = await database.query(
    `select changed_at, content_id from distribution where ${IN_GROUP} order by changed_at, content_id limit 1 offset $6`,
    [...params, limit - 1],
  )
  if (last !== undefined) {
    return { count: limit, next: { since: Number(last.changed_at), contentId: String(last.content_id) } }
  }
  const [row] = await database.query(`select count(*) as count from distribution where ${IN_GROUP}`, params)
  return { count: Number(row?.count) }
}

/** The copy of a group that has been in that state for the longest. */
export async function findOldestCopy(
  database: Database,
  { store, instance, state }: CopyGroup,
): Promise<{ since: number; ageMs: number; reason?: string } | undefined> {
  const [row] = await database.query(
    `select changed_at, ${NOW} - changed_at as age_ms, reason from distribution
      where store = $1 and instance = $2 and state = $3 order by changed_at, content_id limit 1`,
    [store, instance, state],
  )
  return (
    row && {
      since: Number(row.changed_at),
      ageMs: Math.max(0, Number(row.age_ms)),
      ...(row.reason !== null && { reason: String(row.reason) }),
    }
  )
}
