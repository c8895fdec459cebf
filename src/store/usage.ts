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

/** What the files of an instance take. */
export interface StorageUse {
  updates: number
  files: number
  /** The sum of all files, and what is stored of it: the same content is stored once. */
  bytes: number
  storedBytes: number
  /** The names with most bytes, the largest first. */
  largest: { provider: string; name: string; updates: number; bytes: number }[]
}

/** Counts what the files of an instance take. Reads as much as there is. */
export async function countStorage(
  database: Database,
  { instance, largestMax }: { instance: string; largestMax: number },
): Promise<StorageUse> {
  const [totals] = await database.query(
    `select (select count(*) from updates where instance = $1) as updates,
            (select count(*) from files where instance = $1) as files,
            (select coalesce(sum(size_in_bytes), 0) from files where instance = $1) as bytes,
            (select coalesce(sum(size_in_bytes), 0) from
              (select distinct sha256, size_in_bytes from files where instance = $1) as contents) as stored_bytes`,
    [instance],
  )
  const largest = await database.query(
    `select min(u.provider) as provider, min(u.name) as name, count(distinct u.id) as updates,
            coalesce(sum(f.size_in_bytes), 0) as bytes
       from updates u join files f on f.update_id = u.id where u.instance = $1
      group by u.provider_key, u.name_key order by bytes desc, u.provider_key, u.name_key limit $2`,
    [instance, largestMax],
  )
  return {
    updates: Number(totals?.updates),
    files: Number(totals?.files),
    bytes: Number(totals?.bytes),
    storedBytes: Number(totals?.stored_bytes),
    largest: largest.map((row) => ({
      provider: String(row.provider),
      name: String(row.name),
      updates: Number(row.updates),
      bytes: Number(row.bytes),
    })),
  }
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
