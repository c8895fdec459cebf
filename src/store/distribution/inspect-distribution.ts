import { formatUpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** A distribution store that some server has looked after. */
export interface KeptStore {
  store: string
  /** How long ago its last check ended, well or not. */
  seenMs: number
  /** Why the last check was not finished; undefined if it was. */
  failure: string | undefined
  waiting: number
  present: number
  dropping: number
}

export async function listKeptStores(database: Database): Promise<KeptStore[]> {
  const rows = await database.query(
    `select c.store, c.failure,
            ${NOW} - case when c.checked_at is null or c.failed_at > c.checked_at then c.failed_at else c.checked_at end as seen_ms,
            count(case when d.state = 'Waiting' then 1 end) as waiting,
            count(case when d.state = 'Present' then 1 end) as present,
            count(case when d.state = 'Dropping' then 1 end) as dropping
       from distribution_checks c left join distribution d on d.store = c.store
      group by c.store, c.failure, c.checked_at, c.failed_at order by c.store`,
  )
  return rows.map((row) => ({
    store: String(row.store),
    seenMs: Number(row.seen_ms),
    failure: row.failure === null ? undefined : String(row.failure),
    waiting: Number(row.waiting),
    present: Number(row.present),
    dropping: Number(row.dropping),
  }))
}

/** A copy that could not be made or deleted. */
export interface FailingCopy {
  /** For people: "firmware.swu of Contoso/Toaster/1.0 in instance blue". */
  title: string
  isWanted: boolean
  /** Since when: milliseconds since 1970. */
  since: number
  tries: number
  reason: string
}

/** Copies of a store that have failed so often, the oldest first; at most `limit`. */
export async function listFailingCopies(
  database: Database,
  store: string,
  { triesMin, limit }: { triesMin: number; limit: number },
): Promise<FailingCopy[]> {
  const rows = await database.query(
    `select d.instance, d.file_name, d.state, d.changed_at, d.tries, d.reason, u.provider, u.name, u.version
       from distribution d left join files f on f.content_id = d.content_id left join updates u on u.id = f.update_id
      where d.store = $1 and d.tries >= $2 order by d.changed_at, d.content_id limit $3`,
    [store, triesMin, limit],
  )
  return rows.map((row) => {
    const { provider, name, version } = row
    const owner =
      provider === null
        ? 'an update that is deleted'
        : formatUpdateId({ provider: String(provider), name: String(name), version: String(version) })
    return {
      title: `${row.file_name} of ${owner} in instance ${row.instance}`,
      isWanted: row.state === 'Waiting',
      since: Number(row.changed_at),
      tries: Number(row.tries),
      reason: String(row.reason),
    }
  })
}
