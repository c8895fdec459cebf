import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { OperationRequest } from '../../domain/operation.ts'
import type { Database, Statement } from '../../ports/database.ts'
import { insertAudit } from '../audit.ts'
import { NOW } from '../clock.ts'
import { newEtag } from '../etags.ts'
import { tellAccepted } from '../events/events.ts'
import { held } from '../held.ts'
import { insertItem } from './operation-items.ts'

/** Where in a `traceparent` the span begins. */
const SPAN_AT = 36

export interface NewOperation {
  operationId: string
  instance: string
  request: OperationRequest
  /** The subject of the caller's token. */
  requestedBy: string
  traceId: string
  /** The request that asks for it, as a `traceparent` of that trace. */
  traceparent?: string | undefined
}

/**
 * Records an operation that waits for a worker, together with the audit entry that tells of it. Answers false, recording nothing, where
 * the instance has `operationsMax` operations that have not ended.
 */
export async function recordOperation(
  database: Database,
  operation: NewOperation,
  {
    operationsMax,
    audit,
    uploads = [],
  }: {
    operationsMax?: number | undefined
    audit?: AuditEntry
    /** Notes the staged uploads that the request names. */
    uploads?: readonly Statement[]
  } = {},
): Promise<boolean> {
  const { operationId, instance, request, requestedBy, traceId, traceparent } = operation
  const statements: Statement[] = [
    {
      sql: `insert into operations (id, instance, kind, status, request, requested_by, trace_id, trace_span,
              created_at, last_action_at, due_at, attempt, etag)
            select $1, $2, $3, 'NotStarted', $4, $5, $6, $7, ${NOW}, ${NOW}, ${NOW}, 0, $8
             where (select count(*) from operations where instance = $2 and due_at is not null) < $9`,
      params: [
        operationId,
        instance,
        request.kind,
        JSON.stringify(request),
        requestedBy,
        traceId,
        traceparent?.slice(SPAN_AT) ?? null,
        newEtag(),
        operationsMax ?? Number.MAX_SAFE_INTEGER,
      ],
      mustChangeRows: true,
    },
  ]
  if (request.kind === 'delete') {
    statements.push(insertItem(operationId, 0, { updateId: request.updateId }, true))
  }
  statements.push(...uploads, tellAccepted(operationId))
  if (audit !== undefined) statements.push(insertAudit(audit))
  return await held(database.batch(statements))
}
