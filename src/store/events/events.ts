import { randomUUID } from 'node:crypto'
import type { Event, EventType } from '../../domain/event.ts'
import type { OperationError } from '../../domain/operation.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import type { Verdict } from '../../domain/verdict.ts'
import type { Database, Row, Statement } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

// Statements that tell an event. Each belongs in the batch of what it tells: it is told if that happens, and else not.

/** Events of one moment in their order. */
const STEP = { begin: 0, deed: 1, end: 2 }

/** When the operation ended, but not before it began, whatever the clock does: an end that came before its beginning would be no news. */
const ENDED_AT = 'case when o.ended_at > o.created_at then o.ended_at else o.created_at end'

const INSERT = 'insert into events (id, instance, type, at, step, operation_id, kind, provider, name, version, facts)'

/** An operation was accepted. After it was recorded. */
export function tellAccepted(operationId: string): Statement {
  return {
    sql: `${INSERT} select $1, o.instance, $2, o.created_at, ${STEP.begin}, o.id, o.kind, i.provider, i.name, i.version, '{}'
            from operations o left join operation_items i on i.operation_id = o.id and i.shown = $3 where o.id = $4`,
    params: [randomUUID(), 'aduana.operation.accepted' satisfies EventType, true, operationId],
  }
}

/** An operation has ended. After its end was noted. */
export function tellEnded(operationId: string, error: OperationError | undefined): Statement {
  const type: EventType = error === undefined ? 'aduana.operation.succeeded' : 'aduana.operation.failed'
  const facts = error === undefined ? {} : { error: reasonOf(error) }
  return {
    sql: `${INSERT} select $1, o.instance, $2, ${ENDED_AT}, ${STEP.end}, o.id, o.kind, i.provider, i.name, i.version, $3
            from operations o left join operation_items i on i.operation_id = o.id and i.shown = $4 where o.id = $5`,
    params: [randomUUID(), type, JSON.stringify(facts), true, operationId],
  }
}

/** An update was imported. After the end of its operation was noted. */
export function tellImported(operationId: string, { provider, name, version }: UpdateId): Statement {
  return {
    sql: `${INSERT} select $1, o.instance, $2, ${ENDED_AT}, ${STEP.deed}, o.id, o.kind, $3, $4, $5, '{}'
            from operations o where o.id = $6`,
    params: [randomUUID(), 'aduana.update.imported' satisfies EventType, provider, name, version, operationId],
  }
}

/** An update is deleted, unless another one references it. After the end of the operation was noted, before the update's row goes. */
export function tellDeleted(operationId: string, id: string): Statement {
  return {
    sql: `${INSERT} select $1, o.instance, $2, ${ENDED_AT}, ${STEP.deed}, o.id, o.kind, u.provider, u.name, u.version, '{}'
            from operations o join updates u on u.id = $3
           where o.id = $4 and not exists (select 1 from update_references where child_id = $3)`,
    params: [randomUUID(), 'aduana.update.deleted' satisfies EventType, id, operationId],
  }
}

/** Updates that were not infected are so by a verdict. After it was noted of their files, before it is of them. */
export function tellInfected(sha256: string, verdict: Verdict): Statement[] {
  if (verdict.kind !== 'Infected') return []
  const facts = JSON.stringify({ malware: verdict.name, sha256 })
  return [
    {
      sql: `${INSERT} select $1 || '.' || u.id, u.instance, $2, ${NOW}, ${STEP.deed}, null, null, u.provider, u.name, u.version, $3
              from updates u where u.scan_result <> 'Infected'
               and u.id in (select update_id from files where sha256 = $4 and scan_result = 'Infected')`,
      params: [randomUUID(), 'aduana.update.infected' satisfies EventType, facts, sha256],
    },
  ]
}

/** What everybody needs of an error: what failed, and in the end why. The operation has the rest. */
function reasonOf({ code, message, target, inner }: OperationError) {
  let innermost = inner
  while (innermost?.inner !== undefined) innermost = innermost.inner
  return {
    code,
    message,
    ...(target !== undefined && { target }),
    ...(innermost !== undefined && { innererror: { code: innermost.code, message: innermost.message } }),
  }
}

/**
 * Gives numbers to events that have none, at most `limit` of them. Answers how many got one.
 *
 * A single statement, and no batch, so that imports which tell events do not collide with it. Where two nodes do this
 * at the same time, what the second finds numbered meanwhile it leaves; and since numbers have no gaps, one that it
 * would give too low is taken already, and then it fails and changes nothing. So nobody ever sees a number below one
 * that was there before.
 *
 * `coalesce` keeps SQLite from looking through all that wait for each of them.
 */
export async function numberEvents(database: Database, limit: number): Promise<number> {
  const waiting = await database.query('select 1 as waits from events where number is null limit 1')
  if (waiting.length === 0) return 0
  const rows = await database.query(
    `update events set number = numbered.number
       from (select id, (select coalesce(max(number), 0) from events) + row_number() over (order by at, step, id) as number
               from (select id, at, step from events where number is null order by at, step, id limit $1) waiting) numbered
      where events.id = numbered.id and coalesce(events.number, 0) = 0
      returning events.id`,
    [limit],
  )
  return rows.length
}

/** Events of an instance that come after a number, in their order. */
export async function listEvents(
  database: Database,
  { instance, after, limit }: { instance: string; after: number; limit: number },
): Promise<Event[]> {
  const rows = await database.query(
    `select ${EVENT_COLUMNS} from events where instance = $1 and number > $2 order by number limit $3`,
    [instance, after, limit],
  )
  return rows.map(eventOf)
}

/** The number of an event of an instance that may be told; undefined where there is no such event, or no longer. */
export async function findEventNumber(database: Database, instance: string, id: string): Promise<number | undefined> {
  const [row] = await database.query(
    'select number from events where id = $1 and instance = $2 and number is not null',
    [id, instance],
  )
  return row && Number(row.number)
}

/** The event of an instance that was told last. */
export async function findNewestEvent(
  database: Database,
  instance: string,
): Promise<{ id: string; number: number } | undefined> {
  const [row] = await database.query(
    'select id, number from events where instance = $1 and number > 0 order by number desc limit 1',
    [instance],
  )
  return row && { id: String(row.id), number: Number(row.number) }
}

/** Forgets events older than `ageMs`, at most `limit` of them, but not the newest, which the next number follows. Answers how many. */
export async function forgetEvents(database: Database, ageMs: number, limit: number): Promise<number> {
  const rows = await database.query(
    `delete from events where number <= (
       select max(number) from (select number, at from events where number > 0 order by number limit $1) oldest where at <= ${NOW} - $2)
       and number < (select max(number) from events)
     returning id`,
    [limit, ageMs],
  )
  return rows.length
}

/** How many events have no number yet, and for how long the first of them has been waiting for it. */
export async function countWaitingEvents(database: Database): Promise<{ count: number; oldestAgeMs: number }> {
  const [row] = await database.query(
    `select count(*) as number, ${NOW} - min(at) as oldest_age from events where number is null`,
  )
  return { count: Number(row?.number ?? 0), oldestAgeMs: Math.max(0, Number(row?.oldest_age ?? 0)) }
}

/** What `eventOf` reads. */
export const EVENT_COLUMNS = 'id, number, instance, type, at, operation_id, kind, provider, name, version, facts'

export function eventOf(row: Row): Event {
  return {
    id: String(row.id),
    number: Number(row.number),
    instance: String(row.instance),
    type: String(row.type) as EventType,
    at: Number(row.at),
    ...(row.operation_id !== null && { operationId: String(row.operation_id) }),
    ...(row.kind !== null && { kind: String(row.kind) }),
    ...(row.provider !== null && {
      updateId: { provider: String(row.provider), name: String(row.name), version: String(row.version) },
    }),
    facts: JSON.parse(String(row.facts)),
  }
}
