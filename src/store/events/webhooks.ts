import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { EventType } from '../../domain/event.ts'
import type { Webhook } from '../../domain/webhook.ts'
import type { Database, Row, SqlValue } from '../../ports/database.ts'
import { insertAudit } from '../audit.ts'
import { NOW } from '../clock.ts'
import { held } from '../held.ts'

/** Webhooks of one instance at most: an operator makes them by hand. */
export const WEBHOOKS_MAX = 20

/** Which webhook. */
export interface WebhookName {
  instance: string
  name: string
}

/**
 * Makes a webhook, or changes it, with the audit entry that tells of it. A new one is told of what happens from now on, and of nothing
 * before. `secret` undefined keeps the one that is there. False where the instance has as many webhooks as it may.
 */
export async function setWebhook(
  database: Database,
  {
    instance,
    name,
    url,
    types,
    secret,
  }: WebhookName & { url: string; types: readonly EventType[] | undefined; secret: string | undefined },
  audit: AuditEntry,
): Promise<boolean> {
  const list = types === undefined ? null : JSON.stringify(types)
  return await held(
    database.batch([
      {
        sql: `insert into webhooks (instance, name, url, secret, types, created_at, changed_at, taken)
              select $1, $2, $3, $4, $5, ${NOW}, ${NOW}, (select coalesce(max(number), 0) from events)
               where (select count(*) from webhooks where instance = $1 and name <> $2) < ${WEBHOOKS_MAX}
              on conflict (instance, name) do update set url = excluded.url, types = excluded.types, changed_at = excluded.changed_at,
                secret = coalesce(excluded.secret, webhooks.secret)`,
        params: [instance, name, url, secret ?? null, list],
        mustChangeRows: true,
      },
      insertAudit(audit),
    ]),
  )
}

const SELECT_WEBHOOK = `
  select instance, name, url, types, created_at, changed_at, delivered_at, failed_at, reason,
         case when secret is null then 0 else 1 end as has_secret from webhooks`

export async function findWebhook(database: Database, { instance, name }: WebhookName): Promise<Webhook | undefined> {
  const [row] = await database.query(`${SELECT_WEBHOOK} where instance = $1 and name = $2`, [instance, name])
  return row && webhookOf(row)
}

/** All webhooks of an instance, by their names. */
export async function listWebhooks(database: Database, instance: string): Promise<Webhook[]> {
  const rows = await database.query(`${SELECT_WEBHOOK} where instance = $1 order by name`, [instance])
  return rows.map(webhookOf)
}

/** Deletes a webhook with all that it is still to be told. False where there is none. */
export async function deleteWebhook(
  database: Database,
  { instance, name }: WebhookName,
  audit: AuditEntry,
): Promise<boolean> {
  return await held(
    database.batch([
      {
        sql: 'delete from webhooks where instance = $1 and name = $2',
        params: [instance, name],
        mustChangeRows: true,
      },
      insertAudit(audit),
    ]),
  )
}

/** What sending needs of a webhook. */
export interface SendingWebhook extends WebhookName {
  url: string
  secret: string
  types: readonly EventType[] | undefined
  taken: number
}

/** The webhooks of all instances that can sign. */
export async function listSendingWebhooks(database: Database): Promise<SendingWebhook[]> {
  const rows = await database.query(
    'select instance, name, url, secret, types, taken from webhooks where secret is not null order by instance, name',
  )
  return rows.map((row) => ({
    instance: String(row.instance),
    name: String(row.name),
    url: String(row.url),
    secret: String(row.secret),
    types: typesOf(row),
    taken: Number(row.taken),
  }))
}

/** How the last try went, for whoever looks at the webhook. */
export async function noteTry(
  database: Database,
  { instance, name }: WebhookName,
  reason: string | undefined,
): Promise<void> {
  const set: [string, SqlValue[]] =
    reason === undefined ? [`delivered_at = ${NOW}`, []] : [`failed_at = ${NOW}, reason = $3`, [reason]]
  await database.query(`update webhooks set ${set[0]} where instance = $1 and name = $2`, [instance, name, ...set[1]])
}

function webhookOf(row: Row): Webhook {
  const types = typesOf(row)
  return {
    instance: String(row.instance),
    name: String(row.name),
    url: String(row.url),
    ...(types !== undefined && { types }),
    createdAt: Number(row.created_at),
    changedAt: Number(row.changed_at),
    hasSecret: Number(row.has_secret) === 1,
    ...(row.delivered_at !== null && { deliveredAt: Number(row.delivered_at) }),
    ...(row.failed_at !== null && { failedAt: Number(row.failed_at) }),
    ...(row.reason !== null && { reason: String(row.reason) }),
  }
}

function typesOf({ types }: Row): EventType[] | undefined {
  return types === null ? undefined : (JSON.parse(String(types)) as EventType[])
}
