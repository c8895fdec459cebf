import type { Log } from '../../ports/log.ts'
/** Looks at things again and again for whoever watches them, as long as somebody does. */
export interface Lookout<T extends object> {
  /** Begins to watch a thing, which its key names. To be disposed of. */
  watch(key: string): Watch<T>
}

export interface Watch<T extends object> extends Disposable {
  /**
   * The newest state, once it is another one than `seen`: what came between is passed over. Undefined after `timeoutMs`, and when `signal`
   * aborts.
   */
  next(seen: T | undefined, wait: { timeoutMs: number; signal: AbortSignal }): Promise<T | undefined>
}

interface Subject<T> {
  state: T | undefined
  watchers: number
  waiting: Set<() => void>
}

/**
 * Makes a lookout. `look` answers the state of a thing if it is another one than the last, else undefined. All who watch the same thing
 * share its looks, and one thing is looked at after the other: however much is watched, the database is asked one question at a time. What
 * fails is tried again in the next round, and told once.
 */
export function createLookout<T extends object>({
  look,
  everyMs,
  log,
}: {
  look: (key: string, last: T | undefined) => Promise<T | undefined>
  everyMs: number
  log: Pick<Log, 'warn'>
}): Lookout<T> {
  const subjects = new Map<string, Subject<T>>()
  let isLooking = false
  let isFailing = false
  let hurry = () => {}

  async function keepLooking(): Promise<void> {
    isLooking = true
    while (subjects.size > 0) {
      const isDue = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs)
        hurry = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      for (const [key, subject] of subjects) await lookAt(key, subject)
      if (subjects.size === 0) hurry()
      await isDue
    }
    isLooking = false
  }

  async function lookAt(key: string, subject: Subject<T>): Promise<void> {
    try {
      const state = await look(key, subject.state)
      isFailing = false
      if (state === undefined) return
      subject.state = state
      for (const wake of subject.waiting) wake()
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, 'cannot look for what has changed')
      isFailing = true
    }
  }

  return {
    watch(key) {
      const subject: Subject<T> = subjects.get(key) ?? { state: undefined, watchers: 0, waiting: new Set() }
      subjects.set(key, subject)
      subject.watchers += 1
      if (!isLooking) void keepLooking()
      else if (subject.state === undefined) hurry()
      let isOver = false
      return {
        async next(seen, { timeoutMs, signal }) {
          const isNew = () => subject.state !== undefined && subject.state !== seen
          if (!isNew() && !signal.aborted) await woken(subject.waiting, { timeoutMs, signal })
          return isNew() && !signal.aborted ? subject.state : undefined
        },
        [Symbol.dispose]() {
          if (isOver) return
          isOver = true
          subject.watchers -= 1
          if (subject.watchers > 0) return
          subjects.delete(key)
          if (subjects.size === 0) hurry()
        },
      }
    },
  }
}

function woken(waiting: Set<() => void>, { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }) {
  return new Promise<void>((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      waiting.delete(wake)
      resolve()
    }
    const timer = setTimeout(wake, timeoutMs)
    signal.addEventListener('abort', wake)
    waiting.add(wake)
  })
}
