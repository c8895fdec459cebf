import { failed } from './postgres-errors.ts'

/** Lets batches run at the same time, but hardly more than do not collide. */
export interface Lanes {
  /** Throws `AppError('DatabaseFailed')` where there is no lane in time. */
  run<T>(batch: () => Promise<T>): Promise<T>
  /** Says that two batches were in each other's way. */
  narrow(): void
}

/** What a batch that has run adds to the lanes, divided among them: so four batches for each lane make one more. */
const WIDENING = 0.25

/**
 * Of batches that collide, the server undoes all but one, and they have to be done again. So each collision halves the number of lanes,
 * and each batch that has run widens them a little, as TCP finds out how much a network takes.
 */
export function openLanes({
  lanesMax,
  waitersMax,
  waitMs,
}: {
  lanesMax: number
  waitersMax: number
  waitMs: number
}): Lanes {
  let lanes = lanesMax
  let running = 0
  const waiting: PromiseWithResolvers<void>[] = []

  function admit(): void {
    while (running < Math.floor(lanes)) {
      const next = waiting.shift()
      if (next === undefined) return
      running += 1
      next.resolve()
    }
  }

  async function enter(): Promise<void> {
    if (waiting.length >= waitersMax) throw failed('too many wait to write')
    const place = Promise.withResolvers<void>()
    waiting.push(place)
    admit()
    const timer = setTimeout(() => {
      const index = waiting.indexOf(place)
      if (index === -1) return
      waiting.splice(index, 1)
      place.reject(failed('too many wait to write'))
    }, waitMs)
    await place.promise.finally(() => clearTimeout(timer))
  }

  return {
    async run(batch) {
      await enter()
      try {
        return await batch()
      } finally {
        running -= 1
        lanes = Math.min(lanesMax, lanes + WIDENING / lanes)
        admit()
      }
    },
    narrow() {
      lanes = Math.max(1, lanes / 2)
    },
  }
}
