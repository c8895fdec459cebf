import type { Database } from '../ports/database.ts'

/**
 * Answers the keys of these names that all nodes share. Where one was not shared yet, `offered` becomes it; if several nodes offer at
 * once, one of them wins, and all get that.
 */
export async function shareKeys(
  database: Database,
  offered: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const shared: Record<string, string> = {}
  // All or none: a certificate of one node is worthless with the key of another.
  await database.batch(
    Object.entries(offered).map(([name, value]) => ({
      sql: `insert into shared_keys (name, value) values ($1, $2) on conflict (name) do nothing`,
      params: [name, value],
    })),
  )
  for (const { name, value } of await database.query('select name, value from shared_keys')) {
    if (Object.hasOwn(offered, String(name))) shared[String(name)] = String(value)
  }
  return shared
}
