import type { Bell } from '../../ports/bell.ts'

/** A bell for the nodes of one process: itself. */
export function ringHere(): Bell {
  const listeners = new Set<() => void>()
  return {
    ring() {
      for (const listener of listeners) listener()
    },
    onRing(listener) {
      listeners.add(listener)
    },
    async close() {
      listeners.clear()
    },
  }
}
