/** Does something again and again: at once, and then `everyMs` after each round ended. A round that fails is logged. */
export function startRounds(
  everyMs: number,
  round: () => Promise<void>,
  log: { error(facts: object, message: string): void },
): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let current = Promise.resolve()

  function go(): void {
    current = round()
      .catch((error) => log.error({ err: error }, 'a round of housekeeping failed'))
      .then(() => {
        if (!stopped) timer = setTimeout(go, everyMs)
      })
  }
  go()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await current
    },
  }
}
