import { setPriority } from 'node:os'

/** Where others use up the processors, it gets a tenth of what each of them does. With the 19 that there is, a busy machine would starve it. */
const NICENESS = 10

/**
 * The thread that calls it lets others at the processor first: those that answer requests must not wait for those that move bytes. On
 * Linux, where a priority is that of a thread; elsewhere it would be that of the whole process.
 */
export function stepBack(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(NICENESS)
  } catch {
    // Then it competes with the others.
  }
}
