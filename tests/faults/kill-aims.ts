import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { KillClients } from './kill-clients.ts'
import type { Ledger } from './kill-ledger.ts'

/** When a kill comes: at any moment, or near one that is short and would be hit too seldom. */
export type Aim = (kill: { clients: KillClients; ledger: Ledger; random: SeededRandom }) => Promise<void>

/** Longest time between a start and a kill that does not wait for anything. */
const WORK_MS_MAX = 1500
/** An event that a kill waits for comes by then, or the kill comes without it. */
const EVENT_MS_MAX = 2000

const AIMS: Record<string, { weight: number; wait: Aim }> = {
  anywhere: { weight: 5, wait: ({ random }) => delay(WORK_MS_MAX * random.fraction()) },
  'after a deletion was asked for': {
    weight: 3,
    async wait({ clients, random }) {
      await delay((WORK_MS_MAX / 3) * random.fraction())
      clients.deleteNow()
      await delay(30 * random.fraction())
    },
  },
  'after the last byte of a file': {
    weight: 3,
    async wait({ ledger, random }) {
      // Where nothing is on its way, none comes.
      await once(ledger.events, 'sent', { signal: AbortSignal.timeout(EVENT_MS_MAX) }).catch(() => {})
      await delay(50 * random.fraction() ** 2)
    },
  },
  'when all is done': { weight: 1, wait: ({ clients }) => clients.drain() },
}

export function pickAim(random: SeededRandom): Aim {
  const aims = Object.values(AIMS).flatMap(({ weight, wait }) => Array.from({ length: weight }, () => wait))
  return random.pick(aims)!
}
