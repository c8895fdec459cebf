/** Lets a bounded number of holders in at the same time; the others wait in the order in which they came. */
export interface Slots {
  /** Waits for a slot and answers how to give it back, which may be done more than once. Rejects with the reason of `signal`. */
  take(signal: AbortSignal): Promise<() => void>
}

export function createSlots(count: number): Slots {
  const waiting = new Set<() => void>()
  let free = count

  function giveBack(): void {
    const [next] = waiting
    if (next === undefined) free += 1
    else next()
  }

  return {
    async take(signal) {
      signal.throwIfAborted()
      if (free > 0) {
        free -= 1
      } else {
        await new Promise<void>((resolve, reject) => {
          const leave = () => {
            waiting.delete(enter)
            signal.removeEventListener('abort', giveUp)
          }
          const enter = () => {
            leave()
            resolve()
          }
          const giveUp = () => {
            leave()
            reject(signal.reason)
          }
          waiting.add(enter)
          signal.addEventListener('abort', giveUp)
        })
      }
      let isHeld = true
      return () => {
        if (isHeld) giveBack()
        isHeld = false
      }
    },
  }
}
