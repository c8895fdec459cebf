import type { Bell } from '../../ports/bell.ts'

/** A bell for a catalogue that one process has to itself. */
export function openSqliteBell(): Bell {
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
