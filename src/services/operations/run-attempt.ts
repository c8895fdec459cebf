import { AppError } from '../../domain/errors.ts'
import type { Attempt, ClaimedOperation } from '../../domain/operation.ts'
import { asOperationError } from '../../domain/operation.ts'
import { wireTime } from '../../domain/times.ts'
import { logIdsOf } from '../../domain/trace-ids.ts'
import type { Database } from '../../ports/database.ts'
import type { Log } from '../../ports/log.ts'
import type { Span, Tracing } from '../../ports/tracing.ts'
import { endStatements, releaseLease, renewLease } from '../../store/operations/attempts.ts'
import { isDatabaseFailure, isLost, LostAttempt, Parked } from './attempt-end.ts'

/**
 * Does the work of one attempt; ends the operation itself when it succeeds. Throws `AppError` to let it fail. What `log` is told, is told
 * of this attempt.
 */
export type RunOperation = (operation: ClaimedOperation, signal: AbortSignal, log: Log) => Promise<void>

/** What all attempts of a worker share. */
export interface AttemptContext {
  database: Database
  run: RunOperation
  log: Log
  tracing: Tracing
  leaseMs: number
  renewEveryMs: number
  /** Of those that run: each renews the lease of one. */
  renewals: Set<() => Promise<void>>
  /** Aborted when attempts are to be given back. */
  parking: AbortSignal
}

/**
 * Runs one attempt to its end, whatever that is: it never rejects. In traces it is a part of the request that asked for the operation,
 * however long ago and on whatever node that was.
 */
export function runAttempt(operation: ClaimedOperation, context: AttemptContext): Promise<void> {
  const { operationId, instance, attempt, traceparent: parent } = operation
  const { kind } = operation.request
  const attributes = {
    'aduana.instance': instance,
    'aduana.operation.id': operationId,
    'aduana.operation.kind': kind,
    'aduana.operation.attempt': attempt,
  }
  return context.tracing.inSpan({ name: `run ${kind}`, kind: 'consumer', attributes, parent }, (span) =>
    runRenewed(operation, span, context),
  )
}

async function runRenewed(operation: ClaimedOperation, span: Span, context: AttemptContext): Promise<void> {
  const { database, run, log, leaseMs, renewEveryMs, renewals, parking } = context
  const { operationId, instance, attempt, traceId } = operation
  const facts = { operationId, instance, attempt, kind: operation.request.kind, ...logIdsOf(traceId, span) }
  const lost = new AbortController()
  const signal = AbortSignal.any([lost.signal, parking])
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
    const outcome = await settle(operation, signal.aborted ? signal.reason : error, { facts, span, database, log })
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
  { facts, span, database, log }: { facts: object; span: Span; database: Database; log: Log },
): Promise<'lost' | 'parked' | 'interrupted' | 'failed'> {
  const lost = () => {
    log.warn(facts, 'operation lost to another attempt')
    return 'lost' as const
  }
  try {
    if (isLost(error)) return lost()
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
    if (isLost(cause)) return lost()
    // The row still says that it runs; when the lease ends, the next attempt takes it up.
    log.error({ ...facts, err: cause }, 'cannot end the operation')
    return 'interrupted'
  }
}

/** The same log; each line has these facts, too. */
function logOf(facts: object, log: Log): Log {
  return {
    info: (more, message) => log.info({ ...facts, ...more }, message),
    warn: (more, message) => log.warn({ ...facts, ...more }, message),
    error: (more, message) => log.error({ ...facts, ...more }, message),
  }
}
