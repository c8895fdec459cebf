import type { Database } from '../../ports/database.ts'
import { readClock } from '../../store/nodes/inspect-clock.ts'
import type { Step } from './step.ts'

/** Leases are 15 s: clocks that differ by more than some seconds make work be done twice. */
const APART_MS = 5_000
/** Room for a machine whose clock was put right a little. */
const FUTURE_MS = 5 * 60_000

/** Whether the clocks agree, and nothing was noted in the future. `newestFileAt` answers when the newest file was written. */
export function checkClock(
  database: () => Database,
  newestFileAt: () => Promise<number>,
  now: () => number = Date.now,
): Step {
  return {
    name: 'clock',
    title: 'Clock',
    needs: ['database', 'schema'],
    async run(pen) {
      const askedAt = now()
      const clock = await readClock(database())
      // It answers what it was somewhere between.
      const apartMs = Math.min(clock.now - askedAt, 0) + Math.max(clock.now - now(), 0)
      if (Math.abs(apartMs) > APART_MS) {
        pen.problem(
          `The clock of the database is ${Math.round(apartMs / 1000)} s ahead of that of this machine. Set both by NTP.`,
        )
      }
      const noted = { 'The database': clock.latestNoted, 'A file in the data folder': await newestFileAt() }
      for (const [what, at] of Object.entries(noted)) {
        if (at - now() < FUTURE_MS) continue
        pen.warn(
          `${what} has a time in the future, ${new Date(at).toISOString()}: the clock was ahead, or is behind now. Set it by NTP.`,
        )
      }
      return `It is ${new Date(now()).toISOString()}.`
    },
  }
}
