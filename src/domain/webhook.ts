import { createHmac, randomBytes } from 'node:crypto'
import type { EventType } from './event.ts'

/** As short as people like it. */
export const WEBHOOK_NAME = /^[a-z0-9][a-z0-9-]{0,35}$/

/** Whom an instance tells of its events. */
export interface Webhook {
  instance: string
  name: string
  url: string
  /** Which events it is told of; absent for all. */
  types?: readonly EventType[]
  /** Milliseconds since 1970, as all times. */
  createdAt: number
  changedAt: number
  /** Whether it has a secret: without one, as after a restore, nothing is sent. */
  hasSecret: boolean
  deliveredAt?: number
  failedAt?: number
  /** Why the last try that failed did so. */
  reason?: string
}

/** Standard Webhooks 1.0.0, signature scheme: a symmetric secret of 24 to 64 bytes in base64, behind this prefix. */
const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES = 32

export function newWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

/** Whether it has the form of Standard Webhooks. */
export function isWebhookSecret(text: string): boolean {
  if (!text.startsWith(SECRET_PREFIX)) return false
  const encoded = text.slice(SECRET_PREFIX.length)
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === encoded
}

/** The headers that a message is signed by (Standard Webhooks 1.0.0): the id, when it was sent, and an HMAC of both and the body. */
export function signatureHeaders({
  secret,
  id,
  seconds,
  body,
}: {
  secret: string
  id: string
  /** Since 1970. */
  seconds: number
  body: string
}): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` }
}

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1000, 60_000, 3_600_000]

/** The pauses before the second try, the third and so on, in milliseconds: about a day in all. After the last one it is given up. */
export const WEBHOOK_PAUSES_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  8 * HOUR_MS,
  8 * HOUR_MS,
]
