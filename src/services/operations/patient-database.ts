import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../ports/database.ts'
import type { Log } from '../../ports/log.ts'
import { isDatabaseFailure } from './attempt-end.ts'

/** A restart takes seconds, a standby that takes over half a minute. */
const PATIENCE_MS = 60_000
const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 2000

/**
 * The same database for one attempt at an operation: what it cannot do just now is asked again for a while, so that a
 * restart of it costs no download. What failed may have happened all the same; whoever asks has to bear that it is done
 * twice, or that a guard then says that the attempt is over. Ends with the signal's reason.
 */
export function patientDatabase(
  database: Database,
  { signal, log, patienceMs = PATIENCE_MS }: { signal: AbortSignal; log: Pick<Log, 'warn'>; patienceMs?: number },
): Database {
  async function patiently<T>(ask: () => Promise<T>): Promise<T> {
    const until = performance.now() + patienceMs
    for (let tries = 0; ; tries += 1) {
      try {
        return await ask()
      } catch (error) {
        signal.throwIfAborted()
        if (!isDatabaseFailure(error) || performance.now() > until) throw error
        if (tries === 0) log.warn({ err: error }, 'an operation waits for the database')
      }
      const pauseMs = Math.min(PAUSE_MIN_MS * 2 ** tries, PAUSE_MAX_MS)
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }
  return {
    ...database,
    query: (sql, params) => patiently(() => database.query(sql, params)),
    batch: (statements) => patiently(() => database.batch(statements)),
  }
}
