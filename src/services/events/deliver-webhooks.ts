import { setTimeout as sleep } from 'node:timers/promises'
import { cloudEventOf } from '../../domain/event.ts'
import { jsonText } from '../../domain/json-text.ts'
import { signatureHeaders, WEBHOOK_PAUSES_MS } from '../../domain/webhook.ts'
import type { Database } from '../../ports/database.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { DeliveryFailed, type WebhookSender } from '../../ports/webhook-sender.ts'
import {
  type ClaimedDelivery,
  claimDeliveries,
  endDelivery,
  putOffDelivery,
  releaseDelivery,
  takeEvents,
} from '../../store/events/webhook-deliveries.ts'
import { listSendingWebhooks, noteTry, type SendingWebhook } from '../../store/events/webhooks.ts'
import { startDuty } from '../nodes/duties.ts'
import type { Membership } from '../nodes/membership.ts'

/** How soon a webhook is told of what has happened. A look without news is two small queries, and one for each webhook. */
const LOOK_EVERY_MS = 500
/** How soon another node looks whether it should do this. */
const TAKE_EVERY_MS = 2000
/** Events that become deliveries in one go. */
const PART = 100
/** Deliveries to one webhook at the same time; to one whose last ones failed only a single one, so that it holds up nobody. */
const AT_ONCE = 4
const FAILURES_MAX = 3
/** Deliveries at the same time in all. */
const ALL_AT_ONCE = 100
/** Longer than any try: what is claimed and not heard of for so long is tried again. */
const LEASE_MS = 60_000
const REASON_LENGTH_MAX = 500

export interface WebhookContext {
  database: Database
  sender: Pick<WebhookSender, 'send'>
  metrics: Pick<Metrics, 'webhookTried'>
  log: {
    info(facts: object, message: string): void
    warn(facts: object, message: string): void
    error(facts: object, message: string): void
  }
  /** Before the second try, the third and so on. */
  pausesMs?: readonly number[] | undefined
}

/** Tells webhooks of events, for as long as the server runs, on one node at a time. */
export function keepDelivering({ membership, ...context }: WebhookContext & { membership: Membership }): {
  stop(): Promise<void>
} {
  const { log } = context
  return startDuty('webhooks', { membership, everyMs: TAKE_EVERY_MS, log }, (signal) =>
    deliverWebhooks(context, signal),
  )
}

/**
 * Makes deliveries of events and sends them, until `signal` aborts. Nothing but the database knows what is to be sent,
 * so this may end at any moment, and may run twice at the same time: each delivery is claimed. Webhooks do not wait for
 * each other, nor does one that works for one that does not.
 */
export async function deliverWebhooks(context: WebhookContext, signal: AbortSignal): Promise<void> {
  const { database } = context
  /** By webhook: what is on its way, and failures in a row. */
  const states = new Map<string, { busy: Set<Promise<void>>; failures: number }>()
  let failure: { error: unknown } | undefined
  let hurry = new AbortController()
  const busyCount = () => [...states.values()].reduce((sum, { busy }) => sum + busy.size, 0)

  async function serve(webhook: SendingWebhook): Promise<void> {
    const key = JSON.stringify([webhook.instance, webhook.name])
    const state = states.get(key) ?? { busy: new Set(), failures: 0 }
    states.set(key, state)
    await takeEvents(database, webhook, PART)
    const places = state.failures >= FAILURES_MAX ? 1 : AT_ONCE
    const limit = Math.min(places - state.busy.size, ALL_AT_ONCE - busyCount())
    if (limit <= 0) return
    const claimed = await claimDeliveries(database, webhook, { limit, leaseMs: LEASE_MS })
    // There may be more, for whoever has a place first.
    const hasMore = claimed.length === limit
    for (const delivery of claimed) {
      const sending: Promise<void> = deliver(delivery, webhook, context, signal)
        .then((isTaken) => {
          state.failures = isTaken ? 0 : state.failures + 1
        })
        .catch((error) => {
          if (!signal.aborted) failure ??= { error }
        })
        .finally(() => {
          state.busy.delete(sending)
          if (hasMore) hurry.abort()
        })
      state.busy.add(sending)
    }
  }

  try {
    while (!signal.aborted && failure === undefined) {
      for (const webhook of await listSendingWebhooks(database)) {
        if (signal.aborted) break
        await serve(webhook)
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: AbortSignal.any([signal, hurry.signal]) }).catch(() => {})
      hurry = new AbortController()
    }
  } finally {
    await Promise.all([...states.values()].flatMap(({ busy }) => [...busy]))
  }
  if (failure !== undefined) throw failure.error
}

/** Sends once, and notes what came of it. Answers whether it was taken. Throws only where nothing can be noted. */
async function deliver(
  delivery: ClaimedDelivery,
  { url, secret }: SendingWebhook,
  { database, sender, metrics, log, pausesMs = WEBHOOK_PAUSES_MS }: WebhookContext,
  signal: AbortSignal,
): Promise<boolean> {
  const { instance, name, event, tries } = delivery
  const body = jsonText(cloudEventOf(event))
  const signed = signatureHeaders({ secret, id: event.id, seconds: Math.floor(Date.now() / 1000), body })
  const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8', ...signed }
  try {
    await sender.send({ url, headers, body, signal })
  } catch (error) {
    if (!(error instanceof DeliveryFailed)) {
      if (!signal.aborted) throw error
      await releaseDelivery(database, delivery)
      return true
    }
    const reason = error.message.slice(0, REASON_LENGTH_MAX)
    const pause = pausesMs[tries - 1]
    // What failed together must not all come back together.
    const pauseMs = pause === undefined ? undefined : Math.round(pause * (0.8 + 0.4 * Math.random()))
    await putOffDelivery(database, delivery, { reason, pauseMs })
    await noteTry(database, delivery, reason)
    metrics.webhookTried(pauseMs === undefined ? 'given-up' : 'failed')
    if (pauseMs === undefined)
      log.warn({ instance, webhook: name, event: event.id, reason }, 'gave up telling a webhook')
    return false
  }
  await endDelivery(database, delivery)
  await noteTry(database, delivery, undefined)
  metrics.webhookTried('delivered')
  return true
}
