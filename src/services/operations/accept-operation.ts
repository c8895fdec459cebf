import { randomUUID } from 'node:crypto'
import { auditEntryOf } from '../../domain/audit-entry.ts'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import type { ImportRequest } from '../../domain/import-request.ts'
import type { CheckRequest, OperationRequest } from '../../domain/operation.ts'
import type { ServiceLimits } from '../../domain/service-limits.ts'
import { ownerOf, stagedIdOf } from '../../domain/staged-upload.ts'
import { formatUpdateId, type UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { recordOperation } from '../../store/operations/record-operation.ts'
import { nameUploads } from '../../store/staging/staged-uploads.ts'
import { findUpdate } from '../../store/updates/updates.ts'
import type { Audit } from '../audit.ts'

/** When a place may be free again, nobody knows; soon enough not to wait for nothing, late enough not to press. */
const BUSY_RETRY_SECONDS = 5

export interface Acceptance {
  database: Database
  limits: ServiceLimits
  audit: Audit
  /** Tells a worker that there may be something to do. */
  wake: () => void
}

/**
 * Accepts an import: records the operation and leaves the rest to a worker. Nothing that the request names is looked at here, so
 * the answer is fast, and every content problem is the operation's. Answers the operation's id.
 *
 * Throws `AppError('TooManyRequests')` where the instance has as many operations in progress as it may.
 */
export function acceptImport(
  acceptance: Acceptance,
  { instance, request, caller }: { instance: string; request: ImportRequest; caller: Caller },
): Promise<string> {
  return accept(acceptance, { instance, request: { kind: 'import', ...request }, caller })
}

/** Accepts a check: as an import, but nothing of it is kept. Throws as `acceptImport` does. */
export function acceptCheck(
  acceptance: Acceptance,
  { instance, request, caller }: { instance: string; request: CheckRequest; caller: Caller },
): Promise<string> {
  return accept(acceptance, { instance, request: { kind: 'check', ...request }, caller })
}

/** Accepts the deletion of an update. Throws `AppError('NotFound')` if there is no such update, and as `acceptImport` does. */
export async function acceptDeletion(
  acceptance: Acceptance,
  { instance, updateId, caller }: { instance: string; updateId: UpdateId; caller: Caller },
): Promise<string> {
  const update = await findUpdate(acceptance.database, instance, updateId)
  if (update === undefined) throw new AppError('NotFound', `There is no update ${formatUpdateId(updateId)}.`)
  const target = formatUpdateId(update.updateId)
  return accept(acceptance, { instance, request: { kind: 'delete', updateId: update.updateId }, caller, target })
}

async function accept(
  { database, limits, audit, wake }: Acceptance,
  {
    instance,
    request,
    caller,
    target,
  }: { instance: string; request: OperationRequest; caller: Caller; target?: string },
): Promise<string> {
  const operationId = randomUUID()
  const { subject, traceId, traceparent } = caller
  const about = { operationId, ...(target !== undefined && { target }) }
  const entry = auditEntryOf(caller, { action: request.kind, instance, ...about })
  const isRecorded = await recordOperation(
    database,
    { operationId, instance, request, requestedBy: subject, traceId, traceparent },
    {
      operationsMax: limits.operations,
      audit: entry,
      uploads: nameUploads(operationId, stagedIdsIn(request), ownerOf({ instance, caller })),
    },
  )
  if (!isRecorded) {
    throw new AppError('TooManyRequests', `${limits.operations} operations of this instance have not ended yet.`, {
      retryAfterSeconds: BUSY_RETRY_SECONDS,
    })
  }
  wake()
  await audit.recorded(entry)
  return operationId
}

/** The staged uploads that a request names, each once. */
function stagedIdsIn(request: OperationRequest): string[] {
  const inputs = 'inputs' in request ? request.inputs : []
  const urls = inputs.flatMap(({ importManifest, files }) => [importManifest.url, ...files.map(({ url }) => url)])
  return [...new Set(urls.flatMap((url) => stagedIdOf(url) ?? []))]
}
