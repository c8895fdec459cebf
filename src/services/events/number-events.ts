import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../ports/database.ts'
import type { Log } from '../../ports/log.ts'
import { numberEvents } from '../../store/events/events.ts'
import { startDuty } from '../nodes/duties.ts'
import type { Membership } from '../nodes/membership.ts'

/** Events that get their numbers in one go. */
const PART = 500
/** How soon an event is told after it has happened. A look that finds none is one small query. */
const LOOK_EVERY_MS = 200
/** How soon another node looks whether it should do this. */
const TAKE_EVERY_MS = 2000

/** Gives events their numbers as they come, on one node at a time: only then they are told. */
export function keepNumbering({
  database,
  membership,
  log,
}: {
  database: Database
  membership: Membership
  log: Pick<Log, 'error'>
}): { stop(): Promise<void> } {
  return startDuty('number-events', { membership, everyMs: TAKE_EVERY_MS, log }, async (signal) => {
    while (!signal.aborted) {
      if ((await numberEvents(database, PART)) < PART) {
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
      }
    }
  })
}
