import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Bell } from '../../ports/bell.ts'
import type { Log } from '../../ports/log.ts'
import { readPostgresUrl } from './postgres-address.ts'
import { asFailure } from './postgres-errors.ts'

export interface PostgresBellOptions {
  /** Nodes that are to hear each other name the same. */
  channel?: string
  log?: Pick<Log, 'warn'>
  /** A connection that was quiet for so long is asked whether it still is one. */
  askEveryMs?: number
  /** How long an answer may take. */
  answerMs?: number
}

const PAUSE_MIN_MS = 100
const PAUSE_MAX_MS = 10_000

/**
 * A bell by `LISTEN` and `NOTIFY`, on a connection of its own that is made again for as long as it takes; each time it is, all listeners
 * are called, since rings may have been missed. While there is none, a ring is heard on this node only. Several rings at once may become
 * one.
 */
export function openPostgresBell(
  url: string,
  { channel = 'aduana', log, askEveryMs = 15_000, answerMs = 5_000 }: PostgresBellOptions = {},
): Bell {
  const { config } = readPostgresUrl(url)
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  /** Rings of this node were heard here already. */
  const self = randomUUID()
  let connected: pg.Client | undefined
  let isRinging = false
  let isRingDue = false

  function tellListeners(): void {
    for (const listener of listeners) listener()
  }

  async function ringOthers(): Promise<void> {
    isRingDue = true
    // Ringing waits for a lock that all ringing nodes share: what comes in meanwhile is one more ring.
    if (isRinging) return
    isRinging = true
    while (isRingDue && connected !== undefined) {
      isRingDue = false
      await connected.query('select pg_notify($1, $2)', [channel, self]).catch(() => {})
    }
    isRinging = false
  }

  /** Throws when the connection is lost. */
  async function listen(onListening: () => void): Promise<void> {
    const client = new pg.Client({
      ...config,
      connectionTimeoutMillis: answerMs,
      query_timeout: answerMs,
      keepAlive: true,
      pipeline: true,
    })
    client.on('error', () => {})
    const ended = once(client, 'end').catch(() => {})
    try {
      await client.connect()
      client.on('notification', ({ payload }) => {
        if (payload !== self) tellListeners()
      })
      await client.query(`listen ${pg.escapeIdentifier(channel)}`)
      connected = client
      onListening()
      tellListeners()
      while (!closing.signal.aborted) {
        const woken = new AbortController()
        const signal = AbortSignal.any([closing.signal, woken.signal])
        await Promise.race([ended, sleep(askEveryMs, undefined, { signal }).catch(() => {})])
        woken.abort()
        await client.query('select 1')
      }
    } finally {
      connected = undefined
      void client.end().catch(() => {})
    }
  }

  async function keepListening(): Promise<void> {
    let failures = 0
    while (!closing.signal.aborted) {
      try {
        await listen(() => {
          failures = 0
        })
      } catch (error) {
        if (closing.signal.aborted) return
        log?.warn({ err: asFailure(error) }, 'cannot hear other nodes: work is found by looking for it')
      }
      const pauseMs = Math.min(PAUSE_MIN_MS * 2 ** failures, PAUSE_MAX_MS) * (0.5 + Math.random() / 2)
      failures += 1
      await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  const listening = keepListening()

  return {
    ring() {
      tellListeners()
      void ringOthers()
    },
    onRing(listener) {
      listeners.add(listener)
    },
    async close() {
      listeners.clear()
      closing.abort()
      await listening
    },
  }
}
