import type { AppError } from './errors.ts'
import type { ImportRequest } from './import-request.ts'
import type { UpdateId } from './update-id.ts'

/** There is no `Canceled` (REST API 2022-10-01, OperationStatus). */
export const OPERATION_STATUSES = ['NotStarted', 'Running', 'Succeeded', 'Failed'] as const
export type OperationStatus = (typeof OPERATION_STATUSES)[number]

export const OPERATION_KINDS = ['import', 'delete', 'check'] as const

/** `check`: an import that is judged to its end, but keeps nothing. */
export type OperationKind = (typeof OPERATION_KINDS)[number]

/** A long-running import, deletion or check. Its row is the only truth about it. */
export interface Operation {
  operationId: string
  instance: string
  kind: OperationKind
  status: OperationStatus
  /** The update it is about: for an import or a check, known once the manifest is read. */
  update?: UpdateInfo
  error?: OperationError
  /** What a check has to say that would stop no import. */
  warnings: OperationError[]
  /** 32 hex digits: the trace of the request that began it. */
  traceId: string
  /** Milliseconds since 1970. */
  createdAt: number
  lastActionAt: number
  etag: string
}

export interface UpdateInfo {
  updateId: UpdateId
  description?: string
  friendlyName?: string
}

/** `Distributing`: it is in the store of the server, and is being copied to those that an import must reach. */
export type FilePhase = 'Waiting' | 'Downloading' | 'Distributing' | 'Done'

/** What an operation is to do. Kept only until it ends, since source URLs carry signatures. */
export type OperationRequest =
  | ({ kind: 'import' } & ImportRequest)
  | { kind: 'delete'; updateId: UpdateId }
  | ({ kind: 'check' } & CheckRequest)

/** `isDeep`: every byte is read, and not only asked for. */
export interface CheckRequest extends ImportRequest {
  isDeep: boolean
}

/** An operation in the hands of a worker. `attempt` is its fencing token. */
export interface ClaimedOperation {
  operationId: string
  instance: string
  request: OperationRequest
  attempt: number
  /** Milliseconds since 1970. */
  createdAt: number
  /** 32 hex digits: the trace of the request that began it. */
  traceId: string
  /** That request itself, as a `traceparent` (W3C Trace Context); undefined where it was none. */
  traceparent?: string | undefined
}

/** Which attempt at which operation: what every write of a worker is guarded by. */
export type Attempt = Pick<ClaimedOperation, 'operationId' | 'attempt'>

/** How far an import is with one file. */
export interface FileProgress {
  /** Which input of the request, from 0. */
  item: number
  fileName: string
  sizeInBytes: number
  bytesDone: number
  phase: FilePhase
}

/** Why an operation failed, as plain data that can be kept in the database. */
export interface OperationError {
  code: string
  message: string
  target?: string
  /** Which input of the request it is about, from 0; only in what a check has found. */
  item?: number
  details?: OperationError[]
  inner?: OperationError
  errorDetail?: string
  /** ISO 8601; only on the outermost error. */
  occurredDateTime?: string
}

/** The stored form of an error. */
export function asOperationError(error: AppError, occurredDateTime?: string): OperationError {
  return {
    code: error.code,
    message: error.message,
    ...(error.target !== undefined && { target: error.target }),
    ...(error.item !== undefined && { item: error.item }),
    ...(error.details.length > 0 && { details: error.details.map((detail) => asOperationError(detail)) }),
    ...(error.inner !== undefined && { inner: asOperationError(error.inner) }),
    ...(error.errorDetail !== undefined && { errorDetail: error.errorDetail }),
    ...(occurredDateTime !== undefined && { occurredDateTime }),
  }
}
