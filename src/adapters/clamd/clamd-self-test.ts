import { type ClamdLimits, measureClamdLimits } from './clamd-limits.ts'
import type { ClamdReply } from './clamd-reply.ts'

/** The state of the measurement of clamd's limits, which runs in the background. */
export interface ClamdSelfTest {
  /** What is known so far. Of a test that runs, the sizes that it has proven already. */
  readonly limits: ClamdLimits
  readonly isRunning: boolean
  /** Why the last test could not be ended, in full sentences. */
  readonly problem: string | undefined
  /** Starts it, in place of one that runs. What was known stays in force until the end, unless it is to be forgotten. */
  start(options: { forget: boolean }): void
  /** Ends it and forgets what was known. */
  stop(): void
  /** Resolves when no test is running. */
  idle(): Promise<void>
}

const NOTHING_KNOWN: ClamdLimits = { provenBytes: 0, caveats: [] }

/** `ask` scans some bytes for the test. A test that fails is tried again after `retestMs`. */
export function createClamdSelfTest({
  ask,
  scanBytes,
  retestMs,
  onChange,
}: {
  ask: (chunks: Iterable<Uint8Array>, signal: AbortSignal) => Promise<ClamdReply>
  scanBytes: number
  retestMs: number
  onChange: () => void
}): ClamdSelfTest {
  let limits = NOTHING_KNOWN
  let problem: string | undefined
  let running: { stopping: AbortController; done: Promise<void> } | undefined
  let retestTimer: NodeJS.Timeout | undefined

  async function run(signal: AbortSignal): Promise<void> {
    try {
      const measured = await measureClamdLimits({
        scanBytes,
        ask: (chunks) => ask(chunks, signal),
        onProgress({ provenBytes, caveats }) {
          signal.throwIfAborted()
          limits = { caveats, provenBytes: Math.max(limits.provenBytes, provenBytes) }
        },
      })
      signal.throwIfAborted()
      limits = measured
      problem = undefined
    } catch (error) {
      if (signal.aborted) return
      limits = NOTHING_KNOWN
      problem = error instanceof Error ? error.message : String(error)
      retestTimer = setTimeout(() => start({ forget: true }), retestMs)
    }
    running = undefined
    onChange()
  }

  function end(): void {
    clearTimeout(retestTimer)
    running?.stopping.abort(new Error('The test was ended.'))
    running = undefined
  }

  function start({ forget }: { forget: boolean }): void {
    end()
    if (forget) limits = NOTHING_KNOWN
    const stopping = new AbortController()
    running = { stopping, done: run(stopping.signal) }
    onChange()
  }

  return {
    get limits() {
      return limits
    },
    get isRunning() {
      return running !== undefined
    },
    get problem() {
      return problem
    },
    start,
    stop() {
      end()
      limits = NOTHING_KNOWN
      problem = undefined
    },
    async idle() {
      while (running !== undefined) await running.done
    },
  }
}
