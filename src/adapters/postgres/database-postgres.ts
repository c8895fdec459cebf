import { setTimeout as sleep } from 'node:timers/promises'
import { BatchConflict, type Database, type Statement } from '../../ports/database.ts'
import { BOUNDS, type Connection, openConnections, type PostgresBounds } from './connections.ts'
import { openLanes } from './lanes.ts'
import { readPostgresUrl } from './postgres-address.ts'
import {
  asFailure,
  conflictReason,
  failed,
  isCollision,
  isConnectionLost,
  isStalePlan,
  isStandby,
  isUnsent,
  withoutValues,
} from './postgres-errors.ts'
import { bound } from './values.ts'

export interface PostgresDatabase extends Database {
  /** For logs: its address, without a password. */
  title: string
  /** Where it listens: what callers name must not be fetched from there. */
  endpoints: readonly { host: string; port: number }[]
}

/** How long what collides with others is tried again. */
const COLLIDING_MS = 10_000
const PAUSE_MAX_MS = 64

/** In shared SQL `with` only ever begins a question. */
const READS = /^\s*(select|with)\b/i

/**
 * Opens a PostgreSQL, version 14 or newer, by an address as `readPostgresUrl` takes it. Connects when it is first asked.
 *
 * A batch is a SERIALIZABLE transaction: what the guards of one rely on, no other one changes meanwhile. Where two are in each other's
 * way, the server undoes one, which is done again, after a pause that grows. A single statement is READ COMMITTED.
 *
 * Whatever keeps the database from answering is a `DatabaseFailed` that may recover, within bounds: nobody waits for ever. When the
 * connection is lost while a batch commits, or while a single statement writes, it may have happened or not.
 *
 * Between here and the server may be a pooler that lends a connection for a whole session (PgBouncer: `pool_mode = session`, with
 * `ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout`), not one that does so for a transaction.
 */
export function openPostgres(url: string, someBounds: Partial<PostgresBounds> = {}): PostgresDatabase {
  const bounds = { ...BOUNDS, ...someBounds }
  const { title, endpoints, config } = readPostgresUrl(url)
  const connections = openConnections(config, bounds)
  const { connectionsMax, waitersMax, waitMs } = bounds
  // Some connections are left to those who ask.
  const lanes = openLanes({ lanesMax: Math.max(1, connectionsMax - 2), waitersMax, waitMs })

  /**
   * Tries again where nothing has happened: the server has undone it, or not begun it. What is `repeatable` may also be tried once more
   * after the connection broke under it.
   */
  async function untilThrough<T>(run: (connection: Connection) => Promise<T>, repeatable: boolean): Promise<T> {
    const until = performance.now() + COLLIDING_MS
    let mayBreak = repeatable
    for (let tries = 1; ; tries += 1) {
      try {
        return await connections.use(run)
      } catch (error) {
        if (error instanceof BatchConflict) throw error
        if (isStalePlan(error)) connections.forgetPlans()
        else if (isConnectionLost(error) && mayBreak) mayBreak = false
        else if (isCollision(error)) lanes.narrow()
        else throw asFailure(error)
        if (performance.now() > until) throw asFailure(error)
      }
      await sleep(Math.random() * Math.min(2 ** tries, PAUSE_MAX_MS))
    }
  }

  const calls = new Set<Promise<void>>()
  let closing: Promise<void> | undefined
  async function call<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new Error('The database is closed.')
    const result = work()
    const ended: Promise<void> = Promise.allSettled([result]).then(() => void calls.delete(ended))
    calls.add(ended)
    return await result
  }

  return {
    title,
    endpoints,
    async query(sql, params = []) {
      const values = params.map(bound)
      const { rows } = await call(() => untilThrough((connection) => connection.send(sql, values), READS.test(sql)))
      return rows
    },
    async batch(statements) {
      const ready = statements.map(({ params = [], ...statement }) => ({ ...statement, params: params.map(bound) }))
      await call(() => lanes.run(() => untilThrough((connection) => inTransaction(connection, ready), true)))
    },
    close() {
      closing ??= Promise.all(calls).then(() => connections.close())
      return closing
    },
  }
}

/** Throws what `pg` throws only as long as the transaction cannot have happened. */
async function inTransaction(connection: Connection, statements: readonly Statement[]): Promise<void> {
  // All of it is on its way before the first answer comes. What follows a failure fails, too, so the first one tells.
  const [begun, ...ends] = await Promise.allSettled([
    connection.send('begin isolation level serializable'),
    ...statements.map(({ sql, params }) => connection.send(sql, params)),
  ])
  try {
    if (begun?.status === 'rejected') {
      throw isStandby(begun.reason) ? failed('the server that answers is a standby, which only reads') : begun.reason
    }
    for (const [index, end] of ends.entries()) {
      if (end.status === 'rejected') {
        const reason = conflictReason(end.reason)
        throw reason === undefined ? end.reason : new BatchConflict(reason, index, { cause: withoutValues(end.reason) })
      }
      if (statements[index]?.mustChangeRows && end.value.rowCount === 0) throw new BatchConflict('guard', index)
    }
  } catch (error) {
    // On a connection that is lost, the server does this by itself.
    await connection.send('rollback').catch(() => {})
    throw error
  }
  try {
    await connection.send('commit')
  } catch (error) {
    if (isCollision(error) || isUnsent(error)) throw error
    throw failed(
      'the connection was lost while it committed, so what was asked may have happened',
      withoutValues(error),
    )
  }
}

/** What the migrations write differently for PostgreSQL. */
export const POSTGRES_DIALECT = {
  text: 'text collate "C"',
  // When the statement began: a transaction may be older. Leases that wait for a lock become shorter, never longer.
  now_ms: 'cast(floor(extract(epoch from statement_timestamp()) * 1000) as bigint)',
}
