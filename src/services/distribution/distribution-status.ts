import { setImmediate as breathe } from 'node:timers/promises'
import { COPY_STATES, type CopyState } from '../../domain/distribution.ts'
import type { Database } from '../../ports/database.ts'
import { findCheck } from '../../store/distribution/distribution-checks.ts'
import { type CopyPosition, countCopies, findOldestCopy } from '../../store/distribution/distribution-status.ts'

/** Rows that one statement counts, so that a large catalogue holds nobody up. */
const PART_SIZE = 5000

export interface DistributionStatus {
  store: string
  /** How many files of the instances have each state there. */
  copies: Record<CopyState, number>
  /** The file that waits longest to be copied: since when (milliseconds since 1970), and why the last try failed. */
  oldestWaiting?: { since: number; ageMs: number; reason?: string }
  /** When the last check of the whole store ended. */
  lastCheck?: { at: number; ageMs: number }
}

/** How a store stands with the files of these instances. Counts what is there now, part by part. */
export async function distributionStatus(
  database: Database,
  { store, instances }: { store: string; instances: readonly string[] },
): Promise<DistributionStatus> {
  const copies: Record<CopyState, number> = { Waiting: 0, Present: 0, Dropping: 0 }
  let oldestWaiting: DistributionStatus['oldestWaiting']
  for (const instance of instances) {
    for (const state of COPY_STATES) copies[state] += await countAll(database, { store, instance, state })
    const oldest = await findOldestCopy(database, { store, instance, state: 'Waiting' })
    if (oldest !== undefined && oldest.ageMs > (oldestWaiting?.ageMs ?? -1)) oldestWaiting = oldest
  }
  const lastCheck = await findCheck(database, store)
  return { store, copies, ...(oldestWaiting && { oldestWaiting }), ...(lastCheck && { lastCheck }) }
}

async function countAll(
  database: Database,
  group: { store: string; instance: string; state: CopyState },
): Promise<number> {
  let sum = 0
  for (let after: CopyPosition | undefined = { since: 0, contentId: '' }; after !== undefined; ) {
    const part = await countCopies(database, group, { after, limit: PART_SIZE })
    sum += part.count
    after = part.next
    if (after !== undefined) await breathe()
  }
  return sum
}
