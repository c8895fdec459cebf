import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../ports/database.ts'
import type { Log } from '../../ports/log.ts'
import { type Tracing, UNTRACED } from '../../ports/tracing.ts'
import { claimOperation } from '../../store/operations/attempts.ts'
import { Parked } from './attempt-end.ts'
import { type RunOperation, runAttempt } from './run-attempt.ts'

export interface WorkerOptions {
  database: Database
  run: RunOperation
  log: Log
  tracing?: Tracing | undefined
  /** How many operations run here at the same time. */
  operationsMax?: number
  /** How many workers share the database, this one included. */
  workers?: () => number
  leaseMs?: number
  renewEveryMs?: number
  pollEveryMs?: number
}

export interface Worker {
  /** There may be something to do. */
  wake(): void
  /** Takes no more operations, waits up to `graceMs` for those that run, then parks the rest for the next worker. */
  stop(graceMs: number): Promise<void>
}

/**
 * Claims operations at its own pace and runs them. Nothing else knows what is to be done: a lost wake-up only means that the
 * next poll finds the work.
 */
export function startWorker({
  database,
  run,
  log,
  tracing = UNTRACED,
  operationsMax = 16,
  workers = () => 1,
  leaseMs = 15_000,
  renewEveryMs = 5_000,
  pollEveryMs = 1_000,
}: WorkerOptions): Worker {
  // A quarter of all workers' places is always left to other instances.
  const instanceMax = () => Math.max(1, Math.ceil(operationsMax * workers() * 0.75))
  const running = new Set<Promise<void>>()
  const renewals = new Set<() => Promise<void>>()
  const stopping = new AbortController()
  const parking = new AbortController()
  const shared = { database, run, log, tracing, leaseMs, renewEveryMs, renewals, parking: parking.signal }
  let isWoken = false
  let ring = () => {}
  // Work that comes while the last claim is still on its way must not wait for the next poll.
  function wake(): void {
    isWoken = true
    ring()
  }

  async function claimAll(): Promise<void> {
    let wasAway = false
    while (!stopping.signal.aborted) {
      isWoken = false
      try {
        if (wasAway) await keepOwn()
        wasAway = false
        await claimWaiting()
      } catch (error) {
        log.error({ err: error }, 'cannot claim operations')
        wasAway = true
      }
      await nextWake()
    }
  }

  /** Claims until no place is free or nothing waits; several at once where much waits, since each claim waits for the disk. */
  async function claimWaiting(): Promise<void> {
    let atOnce = 1
    while (running.size < operationsMax && !stopping.signal.aborted) {
      const size = Math.min(atOnce, operationsMax - running.size)
      const claims = await Promise.allSettled(Array.from({ length: size }, claimNext))
      for (const claim of claims) if (claim.status === 'rejected') throw claim.reason
      const claimed = claims.filter((claim) => claim.status === 'fulfilled' && claim.value).length
      if (claimed === 0) return
      // PostgreSQL gives one row to one of those who ask at the same time, and nothing to the others.
      atOnce = claimed === size ? 2 * size : 1
    }
  }

  /** Answers false where nothing waits. */
  async function claimNext(): Promise<boolean> {
    const operation = await claimOperation(database, leaseMs, instanceMax())
    if (operation === undefined) return false
    const attempt = runAttempt(operation, shared).finally(() => {
      running.delete(attempt)
      wake()
    })
    running.add(attempt)
    return true
  }

  /**
   * When the database is back, leases may have ended of operations that still run, here and elsewhere: they are renewed before anybody
   * claims, since every worker gives the others the time for it.
   */
  async function keepOwn(): Promise<void> {
    await database.query('select 1 as back')
    await Promise.all([...renewals].map((renew) => renew()))
    await sleep(2 * pollEveryMs, undefined, { signal: stopping.signal }).catch(() => {})
  }

  function nextWake(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pollEveryMs)
      ring = () => {
        clearTimeout(timer)
        resolve()
      }
      if (isWoken) ring()
    })
  }

  const claiming = claimAll()
  return {
    wake,
    async stop(graceMs) {
      stopping.abort()
      wake()
      await claiming
      const timer = setTimeout(() => parking.abort(new Parked()), graceMs)
      await Promise.all(running)
      clearTimeout(timer)
    },
  }
}
