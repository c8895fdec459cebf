import type { Budget } from './benchmark.ts'

/** What every benchmark is held to. Each is a ratio to something that was measured in the same run, but memory and start. */
export const BUDGETS = {
  /** Of the time that `curl | tee | openssl dgst` and `sync` take. */
  importLarge: { atMost: 1 },
  /** Of the slower of `curl -o` and `openssl dgst`: how near the limit of the machine it is. */
  importLimit: { atMost: 1.3 },
  /** Of the time that docker-registry takes for the same bytes. */
  importRegistry: { atMost: 0.5 },
  /** Of the uploads per second of docker-registry. */
  importSmall: { atLeast: 2 },
  /** Of the requests per second of a bare Fastify route that reads the same bytes from SQLite. */
  readUpdate: { atLeast: 0.7 },
  /** Of the time that the same read takes in a catalogue of 1,000 updates. */
  catalogueRead: { atMost: 1.5 },
  startMs: { atMost: 1000 },
  memoryMiB: { atMost: 250 },
  /** Of the bytes per second of nginx with sendfile. */
  content: { atLeast: 0.4 },
  /** Of the slowest hundredth of Get Update when nothing is imported. */
  readsWhileImporting: { atMost: 3 },
  /** Of the time that clamd takes to scan the same bytes alone. */
  importScanned: { atMost: 1.1 },
} satisfies Record<string, Budget>

/** Whether a value keeps to the budget; one that is exceeded by `slack` (0.5 is by half) still does. */
export function keepsTo({ atMost, atLeast }: Budget, value: number, slack = 0): boolean {
  if (atMost !== undefined && value > atMost * (1 + slack)) return false
  return atLeast === undefined || value >= atLeast / (1 + slack)
}
