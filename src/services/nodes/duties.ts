import type { Log } from '../../ports/log.ts'
import type { Membership } from './membership.ts'
import { startRounds } from './rounds.ts'

/** Often enough that a duty is kept, which is had for half a minute. */
const KEEP_EVERY_MS = 10_000

/**
 * Does something again and again, as `startRounds` does, on one node at a time: a round runs only while this node has the duty, and its
 * signal aborts when another one has got it. Two rounds may overlap for a moment, so a round must be harmless beside another.
 */
export function startDuty(
  duty: string,
  { membership, everyMs, log }: { membership: Membership; everyMs: number; log: Pick<Log, 'error'> },
  round: (signal: AbortSignal) => Promise<void>,
): { stop(): Promise<void> } {
  return startRounds(
    everyMs,
    async (stopping) => {
      if (!(await membership.takes(duty))) return
      const lost = new AbortController()
      const keeping = setInterval(() => {
        membership.takes(duty).then(
          (has) => has || lost.abort(),
          (error) => log.error({ err: error, duty }, 'cannot keep a duty'),
        )
      }, KEEP_EVERY_MS)
      try {
        await round(AbortSignal.any([stopping, lost.signal]))
      } finally {
        clearInterval(keeping)
      }
    },
    log,
  )
}
