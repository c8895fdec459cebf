import { identityKey, type UpdateId } from '../domain/update-id.ts'
import type { Database } from '../ports/database.ts'

/** How much of its quotas an instance uses, as seen by one update that is to be imported. */
export interface Usage {
  providers: number
  /** Names under the update's provider; 0 where the provider is new. */
  names: number
  /** Versions under its provider and name; 0 where the name is new. */
  versions: number
  updates: number
  bytes: number
}

/** Counts what an instance uses. Reads as much as there is, so it is asked only where a quota holds. */
export async function countUsage(database: Database, instance: string, { provider, name }: UpdateId): Promise<Usage> {
  const [row] = await database.query(
    `select (select count(distinct provider_key) from updates where instance = $1) as providers,
            (select count(distinct name_key) from updates where instance = $1 and provider_key = $2) as names,
            (select count(*) from updates where instance = $1 and provider_key = $2 and name_key = $3) as versions,
            (select count(*) from updates where instance = $1) as updates,
            (select coalesce(sum(size_in_bytes), 0) from files where instance = $1) as bytes`,
    [instance, identityKey(provider), identityKey(name)],
  )
  return {
    providers: Number(row?.providers),
    names: Number(row?.names),
    versions: Number(row?.versions),
    updates: Number(row?.updates),
    bytes: Number(row?.bytes),
  }
}
