import type { Database } from '../ports/database.ts'

/** Makes the instances that are not there yet. None is ever removed this way. */
export async function createInstances(database: Database, instances: readonly string[]): Promise<void> {
  for (const [index, instance] of instances.entries()) {
    // Those made in the same millisecond keep the order in which they were named.
    await database.query(
      `insert into instances (instance, created_at) values ($1, (select now_ms from clock) + $2)
       on conflict (instance) do nothing`,
      [instance, index],
    )
  }
}

/** Every instance, the first one made first. */
export async function listInstances(database: Database): Promise<string[]> {
  const rows = await database.query('select instance from instances order by created_at, instance')
  return rows.map((row) => String(row.instance))
}
