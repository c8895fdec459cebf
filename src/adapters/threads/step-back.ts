import { setPriority } from 'node:os'

/** The last there is: it still gets one or two hundredths of a processor that others use up. */
const NICENESS = 19

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
