import { randomUUID } from 'node:crypto'
import { AppError } from '../domain/errors.ts'
import type { ImportRequest } from '../domain/import-request.ts'
import { formatUpdateId, type UpdateId } from '../domain/update-id.ts'
import type { Database } from '../ports/database.ts'
import { recordOperation } from '../store/operations.ts'
import { findUpdate } from '../store/updates.ts'

/** Who asks, and in which trace. */
export interface Caller {
  subject: string
  /** 32 hex digits. */
  traceId: string
}

export interface Acceptance {
  database: Database
  /** Tells a worker that there may be something to do. */
  wake: () => void
}

/**
 * Accepts an import: records the operation and leaves the rest to a worker. Nothing that the request names is looked at here, so
 * the answer is fast, and every content problem is the operation's. Answers the operation's id.
 */
export function acceptImport(
  { database, wake }: Acceptance,
  { instance, request, caller }: { instance: string; request: ImportRequest; caller: Caller },
): Promise<string> {
  return record({ database, wake }, instance, { kind: 'import', ...request }, caller)
}

/** Accepts the deletion of an update. Throws `AppError('NotFound')` if there is no such update. */
export async function acceptDeletion(
  { database, wake }: Acceptance,
  { instance, updateId, caller }: { instance: string; updateId: UpdateId; caller: Caller },
): Promise<string> {
  const update = await findUpdate(database, instance, updateId)
  if (update === undefined) throw new AppError('NotFound', `There is no update ${formatUpdateId(updateId)}.`)
  return record({ database, wake }, instance, { kind: 'delete', updateId: update.updateId }, caller)
}

async function record(
  { database, wake }: Acceptance,
  instance: string,
  request: Parameters<typeof recordOperation>[1]['request'],
  { subject, traceId }: Caller,
): Promise<string> {
  const operationId = randomUUID()
  await recordOperation(database, { operationId, instance, request, requestedBy: subject, traceId })
  wake()
  return operationId
}
