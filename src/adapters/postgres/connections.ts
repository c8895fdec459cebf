import pg from 'pg'
import { BatchConflict, type Row, type SqlValue } from '../../ports/database.ts'
import { failed, isConnectionSpent } from './postgres-errors.ts'
import { typeParsers } from './values.ts'

/** How much of the server one process takes up, and how long it waits for it. */
export interface PostgresBounds {
  connectionsMax: number
  /** Who comes when so many wait for a connection is turned away. */
  waitersMax: number
  /** How long one of them waits. */
  waitMs: number
  /** How long a statement may take, waiting for locks included. */
  statementMs: number
  /**
   * How long the server hears nothing in the midst of a transaction before it undoes that: shorter than `waitMs`, so that those
   * who queue behind its locks are not turned away.
   */
  silenceMs: number
}

/** What holds unless something else is asked for. */
export const BOUNDS: PostgresBounds = {
  connectionsMax: 10,
  waitersMax: 1000,
  waitMs: 5000,
  statementMs: 10_000,
  silenceMs: 3000,
}

/** One of the connections, for as long as somebody has it. */
export interface Connection {
  /** Sends a statement at once, whether or not those before it were answered. `values` were made by `bound`. */
  send(sql: string, values?: readonly SqlValue[]): Promise<pg.QueryResult<Row>>
}

export interface Connections {
  /** Lends a connection. One that is broken, or on which something is left undone, goes to nobody else afterwards. */
  use<T>(run: (connection: Connection) => Promise<T>): Promise<T>
  /** From now on every connection prepares its statements anew. */
  forgetPlans(): void
  /** For when all that was lent is back. */
  close(): Promise<void>
}

/** The server ends a statement after its time. If nothing comes from it so much later, nothing will. */
const ANSWER_MS = 2000

/** A connection that is silent for so long is asked whether it is alive; after ten more seconds without an answer it is not. */
const KEEP_ALIVE_MS = 10_000

const IDLE_MS = 60_000
/** The address may lead elsewhere by now. */
const LIFETIME_SECONDS = 1800

/** A search has as many statements as it has words; a connection keeps the plans of so many. */
const PREPARED_MAX = 300

export function openConnections(
  config: pg.ClientConfig,
  { connectionsMax, waitersMax, waitMs, statementMs, silenceMs }: PostgresBounds,
): Connections {
  const pool = new pg.Pool({
    ...config,
    max: connectionsMax,
    connectionTimeoutMillis: waitMs,
    idleTimeoutMillis: IDLE_MS,
    maxLifetimeSeconds: LIFETIME_SECONDS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    statement_timeout: statementMs,
    // When this process vanishes, or is paused, in the midst of a transaction, its locks must not stay.
    idle_in_transaction_session_timeout: silenceMs,
    query_timeout: statementMs + ANSWER_MS,
    pipeline: true,
    types: typeParsers,
  })
  // Of connections that nobody has. Whoever comes next gets another one.
  pool.on('error', ignore)

  let prepared = new Map<string, string>()
  let generation = 0
  function nameOf(sql: string): string | undefined {
    const known = prepared.get(sql)
    if (known !== undefined || prepared.size === PREPARED_MAX) return known
    const name = `aduana_${generation}_${prepared.size}`
    prepared.set(sql, name)
    return name
  }

  async function use<T>(run: (connection: Connection) => Promise<T>): Promise<T> {
    if (pool.waitingCount >= waitersMax) throw failed('too many wait for a connection')
    const client = await pool.connect()
    // Whoever asked over a connection that breaks is told so.
    client.on('error', ignore)
    let isSpent = false
    try {
      return await run({
        send(sql, values = []) {
          const name = values.length === 0 ? undefined : nameOf(sql)
          return client.query({ text: sql, values: [...values], ...(name !== undefined && { name }) })
        },
      })
    } catch (error) {
      isSpent = !(error instanceof BatchConflict) && isConnectionSpent(error)
      throw error
    } finally {
      client.off('error', ignore)
      client.release(isSpent || client.getTransactionStatus() !== 'I')
    }
  }

  return {
    use,
    forgetPlans() {
      prepared = new Map()
      generation += 1
    },
    close: () => pool.end(),
  }
}

function ignore(): void {}
