import { setImmediate as breathe } from 'node:timers/promises'
import type { UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import type { Scanner } from '../../ports/scanner.ts'
import { type ContentCounts, countContents, findRescan, listInfectedUpdates } from '../../store/blobs/rescans.ts'
import { PART_SIZE } from './rescan.ts'

/** More are not named. */
export const INFECTED_UPDATES_MAX = 100

export interface RescanProgress extends ContentCounts {
  /** Milliseconds since 1970. */
  wantedAt: number
  /** When nothing was left to do; absent while something may be. */
  endedAt?: number
  /** The first `INFECTED_UPDATES_MAX` updates that have infected files. */
  infectedUpdates: UpdateId[]
  /** Full sentences about what is wrong with the scanner just now. */
  problems: readonly string[]
}

/**
 * How far the rescan is that was asked for last; undefined if there never was one. Counts what is there now, part by part: in a large
 * catalogue that takes a while, but holds nobody up.
 */
export async function rescanProgress(
  { database, scanner }: { database: Database; scanner: Scanner | undefined },
  instance: string,
): Promise<RescanProgress | undefined> {
  const rescan = await findRescan(database, instance)
  if (rescan === undefined) return undefined
  const sum: ContentCounts = { total: 0, remaining: 0, infected: 0, notScanned: 0 }
  for (let next: string | undefined = ''; next !== undefined; ) {
    await breathe()
    const part = await countContents(database, rescan, { after: next, limit: PART_SIZE })
    sum.total += part.counts.total
    sum.remaining += part.counts.remaining
    sum.infected += part.counts.infected
    sum.notScanned += part.counts.notScanned
    next = part.next
  }
  const { wantedAt, endedAt } = rescan
  return {
    wantedAt,
    ...(endedAt !== undefined && { endedAt }),
    ...sum,
    infectedUpdates: await listInfectedUpdates(database, instance, INFECTED_UPDATES_MAX),
    problems: scanner?.status().problems ?? ['No malware scanner is configured.'],
  }
}
