import type { Attempt, UpdateInfo } from '../../domain/operation.ts'
import type { Database, Statement } from '../../ports/database.ts'

/**
 * The statements that note which updates the operation is about, for a batch that is guarded by the attempt. `shown` is the index of the
 * one that the API names.
 */
export function noteItems({ operationId }: Attempt, items: readonly UpdateInfo[], shown: number): Statement[] {
  return [
    { sql: 'delete from operation_items where operation_id = $1', params: [operationId] },
    ...items.map((item, ordinal) => insertItem(operationId, ordinal, item, ordinal === shown)),
  ]
}

/** The statement that notes one of the updates that an operation is about. */
export function insertItem(operationId: string, ordinal: number, item: UpdateInfo, shown: boolean): Statement {
  const { provider, name, version } = item.updateId
  return {
    sql: `insert into operation_items (operation_id, ordinal, provider, name, version, description, friendly_name, shown)
          values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    params: [operationId, ordinal, provider, name, version, item.description ?? null, item.friendlyName ?? null, shown],
  }
}

/** Every update that the operation is about, in the order of the request. */
export async function listItems(database: Database, operationId: string): Promise<UpdateInfo[]> {
  return (await listItemsOf(database, [operationId])).get(operationId) ?? []
}

/** Every update that each of the operations is about, by operation; those that are about none have no entry. */
export async function listItemsOf(
  database: Database,
  operationIds: readonly string[],
): Promise<Map<string, UpdateInfo[]>> {
  const items = new Map<string, UpdateInfo[]>()
  if (operationIds.length === 0) return items
  const rows = await database.query(
    `select operation_id, provider, name, version, description, friendly_name from operation_items
      where operation_id in (${operationIds.map((_, index) => `$${index + 1}`).join(', ')}) order by operation_id, ordinal`,
    operationIds,
  )
  for (const row of rows) {
    const operationId = String(row.operation_id)
    const item = {
      updateId: { provider: String(row.provider), name: String(row.name), version: String(row.version) },
      ...(row.description !== null && { description: String(row.description) }),
      ...(row.friendly_name !== null && { friendlyName: String(row.friendly_name) }),
    }
    items.set(operationId, [...(items.get(operationId) ?? []), item])
  }
  return items
}
