/** How often something is told at most. */
const EVERY_MS = 1000

/** Tells how far something is, for those who watch. */
export interface ProgressNews {
  /** Nobody waits for it, and one that cannot be told is forgotten: the next one says more. */
  tell(bytesDone: number): void
  /** Resolves when nothing is being told any more. */
  told(): Promise<void>
}

export function createProgressNews(note: (bytesDone: number) => Promise<void>): ProgressNews {
  let telling: Promise<void> | undefined
  let toldAt = Number.NEGATIVE_INFINITY

  return {
    tell(bytesDone) {
      if (telling !== undefined || performance.now() - toldAt < EVERY_MS) return
      toldAt = performance.now()
      telling = note(bytesDone)
        .catch(() => {})
        .then(() => {
          telling = undefined
        })
    },
    async told() {
      await telling
    },
  }
}
