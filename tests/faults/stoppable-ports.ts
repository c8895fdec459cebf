import type { Ports } from './data-under-test.ts'
import { type Fate, intercepted } from './intercept-calls.ts'

/** What happens to an attempt at its call number `at`: its process dies, or stops for a while. */
export type Stop = { at: number } & ({ kind: 'dies'; fate: Exclude<Fate, 'pass'> } | { kind: 'sleeps' })

/** The world as a process sees it that dies, or sleeps, in the middle of its work. */
export interface StoppablePorts {
  ports: Ports
  /** Resolves when the call is reached. */
  stopped: Promise<void>
  /** It goes on. */
  wake(): void
  /** It does nothing more, ever. Ends what it had open, without a trace on the disk. */
  die(): void
}

export function stoppablePorts(
  real: Ports,
  stop: Stop,
  abandoned: (end: () => Promise<unknown>) => void,
): StoppablePorts {
  const { promise: stopped, resolve: tellStopped } = Promise.withResolvers<void>()
  const { promise: awake, resolve: wake } = Promise.withResolvers<void>()
  let calls = 0
  let isDead = false

  async function decide(): Promise<Fate> {
    calls += 1
    if (calls >= stop.at && stop.kind === 'sleeps') {
      tellStopped()
      await awake
    }
    if (isDead) return 'fail-before'
    if (calls !== stop.at || stop.kind !== 'dies') return 'pass'
    isDead = true
    tellStopped()
    return stop.fate
  }
  const interception = { decide, abandoned, failure: (call: string) => new Error(`The process died before ${call}.`) }
  const source = intercepted({ open: real.openSource }, 'source', interception)
  return {
    ports: {
      database: intercepted(real.database, 'database', interception),
      blobs: intercepted(real.blobs, 'blobs', interception),
      openSource: (url, options) => source.open(url, options),
      scanner: real.scanner,
      cdn: intercepted(real.cdn, 'cdn', interception),
    },
    stopped,
    wake,
    die() {
      isDead = true
      wake()
    },
  }
}
