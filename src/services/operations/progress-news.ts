/** How often something is told at most. */
const EVERY_MS = 1000
/** What is over sooner is not worth telling. */
const FIRST_MS = 100

/** Tells how far something is, for those who watch. */
export interface ProgressNews {
  /** Nobody waits for it, and one that cannot be told is forgotten: the next one says more. */
  tell(bytesDone: number): void
  /** Ends it: nothing is told from now on. Resolves when nothing is being told any more. */
  end(): Promise<void>
}

export function createProgressNews(note: (bytesDone: number) => Promise<void>): ProgressNews {
  let latest = 0
  let isOver = false
  let pauseMs = FIRST_MS
  let timer: NodeJS.Timeout | undefined
  let telling: Promise<void> | undefined

  // By a timer, so that also what then stands still was told.
  async function tellLatest(): Promise<void> {
    const told = latest
    await note(told).catch(() => {})
    telling = undefined
    timer = undefined
    if (latest !== told && !isOver) tellLater()
  }
  function tellLater(): void {
    timer = setTimeout(() => {
      telling = tellLatest()
    }, pauseMs)
    pauseMs = EVERY_MS
  }

  return {
    tell(bytesDone) {
      latest = bytesDone
      if (timer === undefined && !isOver) tellLater()
    },
    async end() {
      isOver = true
      clearTimeout(timer)
      await telling
    },
  }
}
