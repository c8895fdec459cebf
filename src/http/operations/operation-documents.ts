import type { JsonValue } from '../../domain/json-text.ts'
import type { Operation, UpdateInfo } from '../../domain/operation.ts'
import { wireTime } from '../../domain/times.ts'
import type { Database } from '../../ports/database.ts'
import { listItems, listItemsOf } from '../../store/operations/operation-items.ts'
import { listProgress, sumProgress } from '../../store/operations/progress.ts'
import { errorMembers } from '../dialects/members.ts'

/** An operation with how far it is with each file: what Get Operation answers below `/aduana`, and what its events carry. */
export async function operationWithProgress(database: Database, operation: Operation): Promise<JsonValue> {
  const updates = await listItems(database, operation.operationId)
  const files = await listProgress(database, operation.operationId)
  return members(operation, updates, {
    files: files.map(({ item, fileName, sizeInBytes, bytesDone, phase }) => ({
      item,
      fileName,
      sizeInBytes,
      bytesDone,
      phase,
    })),
    warnings: operation.kind === 'check' ? operation.warnings.map(errorMembers) : undefined,
  })
}

/** Operations as lists show them: with the sums of their files in place of each file. */
export async function operationSummaries(database: Database, operations: readonly Operation[]): Promise<JsonValue[]> {
  const ids = operations.map(({ operationId }) => operationId)
  const [updates, sums] = await Promise.all([listItemsOf(database, ids), sumProgress(database, ids)])
  return operations.map((operation) => {
    const { operationId } = operation
    return members(operation, updates.get(operationId) ?? [], { ...sums.get(operationId) })
  })
}

function members(
  { operationId, kind, status, error, createdAt, lastActionAt }: Operation,
  updates: readonly UpdateInfo[],
  progress: Record<string, JsonValue>,
): JsonValue {
  return {
    operationId,
    kind,
    status,
    updates: updates.map(({ updateId, ...info }) => ({ updateId: { ...updateId }, ...info })),
    ...progress,
    error: error && errorMembers(error),
    createdDateTime: wireTime(createdAt),
    lastActionDateTime: wireTime(lastActionAt),
  }
}
