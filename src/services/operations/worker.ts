import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import type { Attempt, ClaimedOperation } from '../../domain/operation.ts'
import { asOperationError } from '../../domain/operation.ts'
import { wireTime } from '../../domain/times.ts'
import { logIdsOf } from '../../domain/trace-ids.ts'
import { type Database, isGuardConflict } from '../../ports/database.ts'
import { type Span, type Tracing, UNTRACED } from '../../ports/tracing.ts'
import { claimOperation, endStatements, releaseLease, renewLease } from '../../store/operations/attempts.ts'
import { isDatabaseFailure, LostAttempt, Parked } from './attempt-end.ts'

export interface WorkerOptions {
  database: Database
  /**
   * Does the work of one attempt; ends the operation itself when it succeeds. Throws `AppError` to let it fail. What `log` is told, is told
   * of this attempt.
   */
  run: (operation: ClaimedOperation, signal: AbortSignal, log: WorkerLog) => Promise<void>
  log: WorkerLog
  tracing?: Tracing | undefined
  /** How many operations run here at the same time. */
  operationsMax?: number
  /** How many workers share the database, this one included. */
  workers?: () => number
  leaseMs?: number
  renewEveryMs?: number
  pollEveryMs?: number
}

/** The part of a logger that the worker uses. */
export interface WorkerLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
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
  /** Of those that run. */
  const renewals = new Set<() => Promise<void>>()
  const stopping = new AbortController()
  const parking = new AbortController()
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
        while (running.size < operationsMax && !stopping.signal.aborted) {
          const operation = await claimOperation(database, leaseMs, instanceMax())
          if (operation === undefined) break
          const attempt = traceAttempt(operation).finally(() => {
            running.delete(attempt)
            wake()
          })
          running.add(attempt)
        }
      } catch (error) {
        log.error({ err: error }, 'cannot claim operations')
        wasAway = true
      }
      await nextWake()
    }
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

  /** Each attempt is a part of the request that asked for the operation, however long ago and on whatever node that was. */
  function traceAttempt(operation: ClaimedOperation): Promise<void> {
    const { operationId, instance, attempt, traceparent: parent } = operation
    const { kind } = operation.request
    const attributes = {
      'aduana.instance': instance,
      'aduana.operation.id': operationId,
      'aduana.operation.kind': kind,
      'aduana.operation.attempt': attempt,
    }
    return tracing.inSpan({ name: `run ${kind}`, kind: 'consumer', attributes, parent }, (span) =>
      runAttempt(operation, span),
    )
  }

  async function runAttempt(operation: ClaimedOperation, span: Span): Promise<void> {
    const { operationId, instance, attempt, traceId } = operation
    const facts = { operationId, instance, attempt, kind: operation.request.kind, ...logIdsOf(traceId, span) }
    const lost = new AbortController()
    const signal = AbortSignal.any([lost.signal, parking.signal])
    const renew = async () => {
      if (!(await renewLease(database, operation, leaseMs))) lost.abort(new LostAttempt())
    }
    // Where the database is away the lease runs on, and the guard at the end decides.
    const renewing = setInterval(
      () => renew().catch((error) => log.warn({ ...facts, err: error }, 'cannot renew the lease')),
      renewEveryMs,
    )
    renewals.add(renew)
    try {
      log.info(facts, 'operation started')
      await run(operation, signal, logOf(facts, log))
      span.set({ 'aduana.operation.outcome': 'succeeded' })
      log.info(facts, 'operation succeeded')
    } catch (error) {
      // What an aborted attempt throws is only an echo of the abort.
      const outcome = await settle(operation, signal.aborted ? signal.reason : error, { facts, span })
      span.set({ 'aduana.operation.outcome': outcome })
    } finally {
      clearInterval(renewing)
      renewals.delete(renew)
    }
  }

  /** Answers what came of the attempt. */
  async function settle(
    operation: Attempt,
    error: unknown,
    { facts, span }: { facts: object; span: Span },
  ): Promise<'lost' | 'parked' | 'interrupted' | 'failed'> {
    const lost = () => {
      log.warn(facts, 'operation lost to another attempt')
      return 'lost' as const
    }
    try {
      if (error instanceof LostAttempt || isGuardConflict(error)) return lost()
      if (error instanceof Parked) {
        await releaseLease(database, operation)
        log.info(facts, 'operation parked')
        return 'parked'
      }
      if (isDatabaseFailure(error)) {
        // When the lease ends, the next attempt takes it up.
        log.warn({ ...facts, err: error }, 'operation interrupted by the database')
        return 'interrupted'
      }
      if (!(error instanceof AppError)) log.error({ ...facts, err: error }, 'operation failed by a mistake in Aduana')
      const failure =
        error instanceof AppError
          ? error
          : new AppError('InternalError', 'Aduana made a mistake; its log has the details.')
      const occurred = asOperationError(failure, wireTime(Date.now()))
      await database.batch(endStatements(operation, { status: 'Failed', error: occurred }))
      span.fail(failure)
      log.info({ ...facts, code: failure.code }, 'operation failed')
      return 'failed'
    } catch (cause) {
      // What this attempt took for a failure may be the other's work, such as an update that is there already.
      if (isGuardConflict(cause)) return lost()
      // The row still says that it runs; when the lease ends, the next attempt takes it up.
      log.error({ ...facts, err: cause }, 'cannot end the operation')
      return 'interrupted'
    }
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

/** The same log; each line has these facts, too. */
function logOf(facts: object, log: WorkerLog): WorkerLog {
  return {
    info: (more, message) => log.info({ ...facts, ...more }, message),
    warn: (more, message) => log.warn({ ...facts, ...more }, message),
    error: (more, message) => log.error({ ...facts, ...more }, message),
  }
}
