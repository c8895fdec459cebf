/**
 * What may be bound to a placeholder or come back in a row. Everything else is refused, also `undefined` and dates. A boolean comes back as
 * 1 or 0.
 */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array

export type Row = Record<string, SqlValue>

export interface Statement {
  sql: string
  params?: readonly SqlValue[]
  /** The batch fails with `BatchConflict` if this statement changes no row. */
  mustChangeRows?: true
}

/** Why a batch changed nothing. */
export type ConflictReason = 'guard' | 'unique' | 'foreign-key'

/** A batch met a row that forbids it, and changed nothing. `statement` is the index of the one that failed. */
export class BatchConflict extends Error {
  override readonly name = 'BatchConflict'
  readonly reason: ConflictReason
  readonly statement: number

  constructor(reason: ConflictReason, statement: number, options?: ErrorOptions) {
    super(`statement ${statement} of the batch failed by ${reason}`, options)
    this.reason = reason
    this.statement = statement
  }
}

/** Whether a batch changed nothing because one of its guards did not hold. */
export function isGuardConflict(error: unknown): boolean {
  return error instanceof BatchConflict && error.reason === 'guard'
}

/**
 * The whole database seam: one statement, or several that all happen or none does.
 *
 * SQL uses `$1` placeholders and only what SQLite and PostgreSQL share. No transaction stays open across an `await`:
 * on one SQLite connection a write of another request would slip into it and be rolled back with it.
 *
 * Whatever keeps the database from answering is an `AppError('DatabaseFailed')`. Where that came while something was being written, it may
 * have happened or not: whoever tries again must not mind.
 */
export interface Database {
  /**
   * Runs one statement, reading or writing, and answers its rows (of `returning`, for a write). Nodes write at the same time: what the
   * statement asks of the rows that it changes holds when it changes them; what it finds in other rows may be over by then. A write that
   * depends on other rows belongs in a batch.
   */
  query(sql: string, params?: readonly SqlValue[]): Promise<Row[]>
  /**
   * Runs all statements in one transaction, as if no other batch ran meanwhile. Throws `BatchConflict`, changing nothing, when a guard, key
   * or reference forbids it.
   */
  batch(statements: readonly Statement[]): Promise<void>
  /**
   * A number that is another one after every write: what was read under it stands while it is the same. Undefined while something is being
   * written. Absent where others write to the database, too.
   */
  revision?(): number | undefined
  close(): Promise<void>
}
