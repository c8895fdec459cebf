import type { Database } from '../../ports/database.ts'

/** Secrets and what belongs to them, by name. */
export type SharedKeys = Readonly<Record<string, string>>

/** Those of these names that all nodes share. */
export async function findSharedKeys(database: Database, names: readonly string[]): Promise<SharedKeys> {
  const rows = await database.query('select name, value from shared_keys')
  const found = rows.map(({ name, value }) => [String(name), String(value)] as const)
  return Object.fromEntries(found.filter(([name]) => names.includes(name)))
}

/**
 * Shares keys that belong together, unless another node has shared its own meanwhile. Answers those that are shared now: all of one
 * node.
 */
export async function offerSharedKeys(database: Database, offered: SharedKeys): Promise<SharedKeys> {
  await database.batch(
    Object.entries(offered).map(([name, value]) => ({
      sql: 'insert into shared_keys (name, value) values ($1, $2) on conflict (name) do nothing',
      params: [name, value],
    })),
  )
  return findSharedKeys(database, Object.keys(offered))
}

/** Shares these keys in the place of those that were shared under their names. */
export async function replaceSharedKeys(database: Database, keys: SharedKeys): Promise<void> {
  await database.batch(
    Object.entries(keys).map(([name, value]) => ({
      sql: 'insert into shared_keys (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value',
      params: [name, value],
    })),
  )
}
