import { setImmediate } from 'node:timers/promises'
import { identityKey, type UpdateId } from '../../domain/update-id.ts'
import type { Database, Row } from '../../ports/database.ts'
import { positionOf, START } from './update-position.ts'

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

/** Rows that one statement reads: SQLite lets nobody else in until it has answered. */
const STEP = 500

/** Counts what the files of an instance take. Reads as much as there is, in steps between which others have their turn. */
export async function countStorage(
  database: Database,
  { instance, largestMax }: { instance: string; largestMax: number },
): Promise<StorageUse> {
  const use: StorageUse = { updates: 0, files: 0, bytes: 0, storedBytes: 0, largest: [] }
  let last: { key: string; entry: StorageUse['largest'][number] } | undefined
  const keepLargest = () => {
    if (last === undefined) return
    use.largest.push(last.entry)
    use.largest = use.largest.sort((a, b) => b.bytes - a.bytes).slice(0, largestMax)
  }
  for await (const row of updatesInOrder(database, instance)) {
    const bytes = Number(row.bytes)
    use.updates += 1
    use.files += Number(row.files)
    use.bytes += bytes
    const key = `${row.provider_key}/${row.name_key}`
    if (last?.key !== key) {
      keepLargest()
      last = { key, entry: { provider: String(row.provider), name: String(row.name), updates: 0, bytes: 0 } }
    }
    last.entry.updates += 1
    last.entry.bytes += bytes
  }
  keepLargest()
  for await (const row of contentsInOrder(database, instance)) use.storedBytes += Number(row.size_in_bytes)
  return use
}

/** Every update, those of one name next to each other, with the number and the sum of its files. */
async function* updatesInOrder(database: Database, instance: string): AsyncGenerator<Row> {
  for (let after = START; ; await setImmediate()) {
    const { providerKey, nameKey, versionOrder } = after
    const rows = await database.query(
      `select provider, name, provider_key, name_key, version_order,
              (select count(*) from files where update_id = updates.id) as files,
              (select coalesce(sum(size_in_bytes), 0) from files where update_id = updates.id) as bytes
         from updates where instance = $1 and (provider_key, name_key, version_order) > ($2, $3, $4)
        order by provider_key, name_key, version_order limit $5`,
      [instance, providerKey, nameKey, versionOrder, STEP],
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < STEP) return
    after = positionOf(last)
  }
}

/** Every content once. */
async function* contentsInOrder(database: Database, instance: string): AsyncGenerator<Row> {
  for (let after = ''; ; await setImmediate()) {
    const rows = await database.query(
      `select distinct sha256, size_in_bytes from files where instance = $1 and sha256 > $2
        order by sha256, size_in_bytes limit $3`,
      [instance, after, STEP],
    )
    yield* rows
    if (rows.length < STEP) return
    after = String(rows.at(-1)?.sha256)
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
