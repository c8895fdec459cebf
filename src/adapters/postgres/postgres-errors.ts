import pg from 'pg'
import { AppError } from '../../domain/errors.ts'
import type { ConflictReason } from '../../ports/database.ts'

// Codes of errors: https://www.postgresql.org/docs/current/errcodes-appendix.html

const CONFLICTS: Record<string, ConflictReason> = {
  '23503': 'foreign-key',
  '23505': 'unique',
}

/** What may get better by itself or by an operator, so that it is told as such. By code, else by class. */
const FAILURES: Record<string, string> = {
  '08': 'the connection was lost',
  '25006': 'the server that answers only reads',
  '25P03': 'it ended a transaction of which it heard nothing any more',
  '25P04': 'it ended a transaction that took too long',
  '28': 'it refuses the user or password',
  '3D000': 'there is no database of that name',
  '40': 'too many wanted to write the same at the same time',
  '42501': 'its user has too few rights',
  '53': 'it has run out of connections, memory or disk',
  '53100': 'its disk is full',
  '53300': 'it has no connection left',
  '55P03': 'it waited too long for a lock',
  '57014': 'it took too long',
  '57P01': 'it is shutting down',
  '57P02': 'it has crashed and recovers',
  '57P03': 'it is starting up or shutting down',
  '57P05': 'it ended an idle connection',
  '58': 'its disk reports an error',
}

/** What damage is told by. Waiting does not mend it. */
const DAMAGES = ['XX001', 'XX002']

/** Why a statement conflicts with what is there, if that is why it failed. */
export function conflictReason(error: unknown): ConflictReason | undefined {
  return CONFLICTS[codeOf(error) ?? '']
}

/** Two transactions were in each other's way, and this one has been undone: it may succeed when tried again at once. */
export function isCollision(error: unknown): boolean {
  return codeOf(error) === '40001' || codeOf(error) === '40P01'
}

/** A statement was prepared before somebody changed its table. */
export function isStalePlan(error: unknown): boolean {
  // The text may be in any language.
  return error instanceof pg.DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery'
}

/** A transaction cannot begin, since the server takes changes from another one only. */
export function isStandby(error: unknown): boolean {
  return codeOf(error) === '0A000'
}

/** A connection broke that seemed to be good: another one may be. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error)
  if (code !== undefined) return /^(08|25P03|57P0[15])/.test(code)
  const { message, code: socketCode } = error as Error & { code?: string }
  return /terminated unexpectedly|not queryable/.test(message) || socketCode === 'ECONNRESET' || socketCode === 'EPIPE'
}

/** The connection was given up before the statement could be sent, or the transaction with it: nothing has happened. */
export function isUnsent(error: unknown): boolean {
  return codeOf(error) === '25P03' || /not queryable/.test((error as Error).message)
}

/** Whether a connection is of no use any more: it is broken, or leads to a server that only reads. */
export function isConnectionSpent(error: unknown): boolean {
  const code = codeOf(error)
  return code === undefined || /^(08|25006|25P0[34]|57P)/.test(code)
}

/**
 * Puts what stands in the way of the database into a sentence that callers may read: it names no host, user or value. A mistake in a
 * statement comes back as an `Error` with the text of the server.
 */
export function asFailure(error: unknown): unknown {
  if (error instanceof AppError) return error
  const code = codeOf(error)
  if (code === undefined) return failed(reasonOf(error), error)
  const reason = FAILURES[code] ?? FAILURES[code.slice(0, 2)]
  if (reason !== undefined) return failed(reason, withoutValues(error))
  if (DAMAGES.includes(code)) {
    return new Error('The database is damaged. Restore it from a backup of the server.', {
      cause: withoutValues(error),
    })
  }
  return withoutValues(error)
}

/** An error that a later try may not meet. */
export function failed(reason: string, cause?: unknown): AppError {
  return new AppError('DatabaseFailed', `The database cannot be used: ${reason}.`, { mayRecover: true, cause })
}

/** The code of an error that the server sent, undefined for all others. */
function codeOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? (error.code ?? 'XX000') : undefined
}

/** Of errors that are not the server's: `pg` has no codes for its own. */
function reasonOf(error: unknown): string {
  const { message, code } = error as Error & { code?: string }
  if (/timeout exceeded when trying to connect/.test(message)) return 'all connections are busy'
  if (/connection timeout/.test(message)) return 'it does not answer'
  if (/read timeout/.test(message)) return 'it did not answer in time'
  if (/terminated|not queryable/.test(message)) return 'the connection was lost'
  if (/does not support SSL/.test(message)) return 'it does not encrypt connections, as sslmode wants'
  if (/password/.test(message)) return 'it wants a password, and none is set'
  return code === undefined ? 'it cannot be reached' : `it cannot be reached (${code})`
}

/** Without what a server adds to an error, such as the values of a row: those may be secret, and this may be logged. */
export function withoutValues(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  const { message, code, constraint, table } = error
  return Object.assign(new Error(message), { code, ...(table && { table }), ...(constraint && { constraint }) })
}
