/** What may be bound to a placeholder or come back in a row. A `Date` would bind as NULL without a word, so it is refused. */
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

/**
 * The whole database seam: one statement, or several that all happen or none does.
 *
 * SQL uses `$1` placeholders and only what SQLite and PostgreSQL share. No transaction stays open across an `await`:
 * on one SQLite connection a write of another request would slip into it and be rolled back with it.
 */
export interface Database {
  /** Runs one statement, reading or writing, and answers its rows (of `returning`, for a write). */
  query(sql: string, params?: readonly SqlValue[]): Promise<Row[]>
  /** Runs all statements in one transaction. Throws `BatchConflict`, changing nothing, when a guard, key or reference forbids it. */
  batch(statements: readonly Statement[]): Promise<void>
  close(): Promise<void>
}
