import { setPriority } from 'node:os'

/** Positive is later; from 0 to 19. */
const NICENESS = 5

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
