import type { Event } from '../../domain/event.ts'
import type { Operation } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import type { Log } from '../../ports/log.ts'
import { findNewestEvent, listEvents } from '../../store/events/events.ts'
import { findOperation, listRunningOperations } from '../../store/operations/operations.ts'
import { createLookout, type Lookout } from './lookout.ts'

/** What is new in an instance, for all who watch it. */
export interface InstanceNews {
  /** The newest events: all that have a number above `after`, up to `newest`. */
  events: readonly Event[]
  after: number
  newest: number
  /** Operations that run, and those that have ended since somebody watches, by their ids. */
  operations: ReadonlyMap<string, ShownOperation>
}

export interface ShownOperation {
  /** Its document. */
  text: string
  isOver: boolean
}

const LOOK_EVERY_MS = 500
/** Who is further behind reads for itself. */
const EVENTS_KEPT = 200
/** Operations that are shown as they go; the others are told of by events. */
const RUNNING_MAX = 100
/** Ended ones, for those who have not heard of their end yet. */
const OVER_KEPT = 100

/** Watches instances by their names. `describe` makes the documents of operations. */
export function watchInstances({
  database,
  describe,
  log,
}: {
  database: Database
  describe: (operations: readonly Operation[]) => Promise<string[]>
  log: Pick<Log, 'warn'>
}): Lookout<InstanceNews> {
  async function eventsNow(
    instance: string,
    last: InstanceNews | undefined,
  ): Promise<Omit<InstanceNews, 'operations'>> {
    if (last === undefined) {
      const newest = (await findNewestEvent(database, instance))?.number ?? 0
      return { events: [], after: newest, newest }
    }
    const found = await listEvents(database, { instance, after: last.newest, limit: EVENTS_KEPT })
    const newest = found.at(-1)?.number
    if (newest === undefined) return last
    const events = [...last.events, ...found]
    const dropped = events.splice(0, events.length - EVENTS_KEPT)
    return { events, after: dropped.at(-1)?.number ?? last.after, newest }
  }

  async function operationsNow(
    instance: string,
    last: InstanceNews['operations'] = new Map(),
  ): Promise<InstanceNews['operations']> {
    const running = await listRunningOperations(database, instance, RUNNING_MAX)
    const ids = new Set(running.map(({ operationId }) => operationId))
    const left = [...last].filter(([id, { isOver }]) => !isOver && !ids.has(id))
    const found = await Promise.all(left.map(([id]) => findOperation(database, instance, id)))
    const shown = [...running, ...found.filter((operation) => operation !== undefined)]
    const texts = shown.length === 0 ? [] : await describe(shown)
    const now = new Map([...last].filter(([, { isOver }]) => isOver).slice(-OVER_KEPT))
    let hasChanged = left.length > 0
    for (const [index, { operationId, status }] of shown.entries()) {
      const text = texts[index] ?? ''
      hasChanged ||= last.get(operationId)?.text !== text
      now.set(operationId, { text, isOver: status === 'Succeeded' || status === 'Failed' })
    }
    return hasChanged ? now : last
  }

  return createLookout<InstanceNews>({
    everyMs: LOOK_EVERY_MS,
    log,
    async look(instance, last) {
      const { events, after, newest } = await eventsNow(instance, last)
      const operations = await operationsNow(instance, last?.operations)
      if (last !== undefined && newest === last.newest && operations === last.operations) return undefined
      return { events, after, newest, operations }
    },
  })
}
