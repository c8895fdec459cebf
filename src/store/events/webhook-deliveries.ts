import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { Event, EventType } from '../../domain/event.ts'
import { BatchConflict, type Database, type SqlValue } from '../../ports/database.ts'
import { insertAudit } from '../audit.ts'
import { NOW } from '../clock.ts'
import { held } from '../held.ts'
import { EVENT_COLUMNS, eventOf, listEvents } from './events.ts'
import type { SendingWebhook, WebhookName } from './webhooks.ts'

/**
 * Makes deliveries of the events that a webhook has not been given yet, at most `limit` of them, and moves it on.
 * Answers how many events it was; 0 also where somebody else did it meanwhile, since only one can.
 */
export async function takeEvents(database: Database, webhook: SendingWebhook, limit: number): Promise<number> {
  const { instance, name, taken, types } = webhook
  const events = await listEvents(database, { instance, after: taken, limit })
  const last = events.at(-1)
  if (last === undefined) return 0
  const wanted = events.filter(({ type }) => types === undefined || types.includes(type))
  try {
    await database.batch([
      {
        sql: 'update webhooks set taken = $1 where instance = $2 and name = $3 and taken = $4',
        params: [last.number, instance, name, taken],
        mustChangeRows: true,
      },
      ...wanted.map(({ id }) => ({
        sql: `insert into webhook_deliveries (instance, name, event_id, due_at, tries) values ($1, $2, $3, ${NOW}, 0)
              on conflict (instance, name, event_id) do nothing`,
        params: [instance, name, id],
      })),
    ])
    return events.length
  } catch (error) {
    // Somebody else has taken them, or the webhook or an event is gone.
    if (error instanceof BatchConflict) return 0
    throw error
  }
}

/** A delivery in the hands of a node. */
export interface ClaimedDelivery extends WebhookName {
  event: Event
  /** How many there were, this one included. */
  tries: number
}

/** Hands out deliveries that are due, the longest first, to nobody else for `leaseMs`. */
export async function claimDeliveries(
  database: Database,
  { instance, name }: WebhookName,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<ClaimedDelivery[]> {
  const due = await database.query(
    `select event_id from webhook_deliveries where instance = $1 and name = $2 and due_at <= ${NOW} order by due_at limit $3`,
    [instance, name, limit],
  )
  const claimed: ClaimedDelivery[] = []
  for (const { event_id: id = '' } of due) {
    const [row] = await database.query(
      `update webhook_deliveries set due_at = ${NOW} + $1, tries = tries + 1
        where instance = $2 and name = $3 and event_id = $4 and due_at <= ${NOW} returning tries`,
      [leaseMs, instance, name, id],
    )
    const [event] = await database.query(`select ${EVENT_COLUMNS} from events where id = $1`, [id])
    if (row !== undefined && event !== undefined) {
      claimed.push({ instance, name, event: eventOf(event), tries: Number(row.tries) })
    }
  }
  return claimed
}

/** It was delivered. */
export async function endDelivery(database: Database, { instance, name, event }: ClaimedDelivery): Promise<void> {
  await database.query('delete from webhook_deliveries where instance = $1 and name = $2 and event_id = $3', [
    instance,
    name,
    event.id,
  ])
}

/** It was not: it is due again in `pauseMs`, or given up where that is undefined. */
export async function putOffDelivery(
  database: Database,
  { instance, name, event, tries }: ClaimedDelivery,
  { reason, pauseMs }: { reason: string; pauseMs: number | undefined },
): Promise<void> {
  const params: SqlValue[] = [reason, instance, name, event.id, tries]
  if (pauseMs !== undefined) params.push(pauseMs)
  // Who comes back late, when another one has claimed it meanwhile, changes nothing.
  await database.query(
    `update webhook_deliveries set due_at = ${pauseMs === undefined ? 'null' : `${NOW} + $6`}, failed_at = ${NOW}, reason = $1
      where instance = $2 and name = $3 and event_id = $4 and tries = $5`,
    params,
  )
}

/** The try did not count: the node stops. */
export async function releaseDelivery(
  database: Database,
  { instance, name, event, tries }: ClaimedDelivery,
): Promise<void> {
  await database.query(
    `update webhook_deliveries set due_at = ${NOW}, tries = tries - 1
      where instance = $1 and name = $2 and event_id = $3 and tries = $4`,
    [instance, name, event.id, tries],
  )
}

/** An event that a webhook could not be told of. */
export interface DeadLetter {
  eventId: string
  type: EventType
  at: number
  failedAt: number
  tries: number
  reason: string
}

/** What was given up, the newest first. */
export async function listDeadLetters(
  database: Database,
  { instance, name }: WebhookName,
  { after, limit }: { after: { failedAt: number; eventId: string } | undefined; limit: number },
): Promise<DeadLetter[]> {
  const params: SqlValue[] = [instance, name, limit]
  if (after !== undefined) params.push(after.failedAt, after.eventId)
  const rows = await database.query(
    `select d.event_id, d.failed_at, d.tries, d.reason, e.type, e.at
       from webhook_deliveries d join events e on e.id = d.event_id
      where d.instance = $1 and d.name = $2 and d.due_at is null${after ? ' and (d.failed_at, d.event_id) < ($4, $5)' : ''}
      order by d.failed_at desc, d.event_id desc limit $3`,
    params,
  )
  return rows.map((row) => ({
    eventId: String(row.event_id),
    type: String(row.type) as EventType,
    at: Number(row.at),
    failedAt: Number(row.failed_at),
    tries: Number(row.tries),
    reason: String(row.reason),
  }))
}

/** Has a dead letter tried again, from the first pause on, with the audit entry that tells of it. False where there is no such one. */
export async function retryDeadLetter(
  database: Database,
  { instance, name, eventId }: WebhookName & { eventId: string },
  audit: AuditEntry,
): Promise<boolean> {
  return await held(
    database.batch([
      {
        sql: `update webhook_deliveries set due_at = ${NOW}, tries = 0
               where instance = $1 and name = $2 and event_id = $3 and due_at is null`,
        params: [instance, name, eventId],
        mustChangeRows: true,
      },
      insertAudit(audit),
    ]),
  )
}

/** How many events a webhook is still to be told of, and how many were given up. */
export async function countDeliveries(
  database: Database,
  { instance, name }: WebhookName,
): Promise<{ waiting: number; failed: number }> {
  const [row] = await database.query(
    `select (select count(*) from webhook_deliveries where instance = $1 and name = $2 and due_at is not null) as waiting,
            (select count(*) from webhook_deliveries where instance = $1 and name = $2 and due_at is null) as failed`,
    [instance, name],
  )
  return { waiting: Number(row?.waiting ?? 0), failed: Number(row?.failed ?? 0) }
}

/** The same for all webhooks together. */
export async function countAllDeliveries(database: Database): Promise<{ waiting: number; failed: number }> {
  const [row] = await database.query(
    `select (select count(*) from webhook_deliveries where due_at is not null) as waiting,
            (select count(*) from webhook_deliveries where due_at is null) as failed`,
  )
  return { waiting: Number(row?.waiting ?? 0), failed: Number(row?.failed ?? 0) }
}
