import { createHash } from 'node:crypto'
import { openStateFile } from '../state-file.ts'

/** Servers forget uploads sooner, and operations too. */
const KEPT_MS = 14 * 24 * 3600_000

interface Entry {
  value: string
  /** Milliseconds since 1970. */
  at: number
}

/** What this user has begun on this machine, so that a second run of the same command goes on with it. */
export interface Remembered {
  find(what: readonly (string | number)[]): Promise<string | undefined>
  note(what: readonly (string | number)[], value: string): Promise<void>
  forget(...whats: (readonly (string | number)[])[]): Promise<void>
}

/**
 * Things are remembered by what they are, such as server, instance and hash: the same name with other bytes is another
 * thing. Where nothing can be written, as in many containers, nothing is remembered, and a second run begins anew.
 */
export function openRemembered(folder?: string): Remembered {
  const file = openStateFile<Entry>('imports.json', folder)
  const change = (change: (entries: Record<string, Entry>) => void) => file.change(change).catch(() => {})
  return {
    find: async (what) => (await file.read())[keyOf(what)]?.value,
    note: (what, value) =>
      change((entries) => {
        const now = Date.now()
        for (const [key, { at }] of Object.entries(entries)) if (now - at > KEPT_MS) delete entries[key]
        entries[keyOf(what)] = { value, at: now }
      }),
    forget: (...whats) =>
      change((entries) => {
        for (const what of whats) delete entries[keyOf(what)]
      }),
  }
}

function keyOf(what: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex')
}
