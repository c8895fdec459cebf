import type { Log } from '../../ports/log.ts'
/**
 * Does something again and again: at once, and then `everyMs` after each round ended. A round that fails is logged; one that takes long
 * should heed its signal, since stopping waits for it.
 */
export function startRounds(
  everyMs: number,
  round: (signal: AbortSignal) => Promise<void>,
  log: Pick<Log, 'error'>,
): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  const stopping = new AbortController()
  let current = Promise.resolve()

  function go(): void {
    current = round(stopping.signal)
      .catch((error) => log.error({ err: error }, 'a round of housekeeping failed'))
      .then(() => {
        if (!stopping.signal.aborted) timer = setTimeout(go, everyMs)
      })
  }
  go()
  return {
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await current
    },
  }
}
