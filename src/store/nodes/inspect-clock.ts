import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** The database's clock, and the latest time that was noted by it: milliseconds since 1970. */
export async function readClock(database: Database): Promise<{ now: number; latestNoted: number }> {
  const [row] = await database.query(
    `select ${NOW} as now,
            (select max(stored_at) from blobs) as stored_at,
            (select max(imported_at) from updates) as imported_at,
            (select max(last_action_at) from operations) as last_action_at,
            (select max(ran_at) from migrations) as ran_at`,
  )
  const { now, ...noted } = row ?? {}
  return { now: Number(now), latestNoted: Math.max(...Object.values(noted).map(Number)) }
}
