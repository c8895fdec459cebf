import type { AuditEntry } from '../domain/audit-entry.ts'
import type { EventType } from '../domain/event.ts'
import type { Permission } from '../domain/permissions.ts'
import type { UpdateId } from '../domain/update-id.ts'

/** The generation of the REST API that a client speaks: private preview, 2021-06-01-preview, or 2022-10-01. */
export type Dialect = 'v2' | '2021' | '2022'

/** Algorithm → base64 of the digest. */
export type Hashes = Record<string, string>

/** One update to import (REST API 2022-10-01, ImportUpdateInputItem). */
export interface ImportUpdateInput {
  importManifest: { url: string; sizeInBytes: number; hashes: Hashes }
  friendlyName?: string
  files?: { filename: string; url: string }[]
}

/** An operation that the server accepted and works on. */
export interface AcceptedOperation {
  operationId: string
  /** As the server wrote it: relative, in the caller's dialect. */
  operationLocation: string
}

/** A page of a list. */
export interface Page<T> {
  value: T[]
  /** Absent on the last page. */
  nextLink?: string
}

/** REST API 2022-10-01, UpdateOperation; `updateId` instead of `update` in older dialects. */
export interface Operation {
  operationId: string
  status: 'NotStarted' | 'Running' | 'Succeeded' | 'Failed'
  updateId?: UpdateId
  update?: { updateId: UpdateId; description?: string; friendlyName?: string }
  resourceLocation?: string
  error?: OperationError
  traceId?: string
  lastActionDateTime: string
  createdDateTime: string
  etag?: string
}

export interface OperationError {
  code: string
  message: string
  target?: string
  /** Which input it is about, from 0; only of a check. */
  item?: number
  details?: OperationError[]
  innererror?: InnerError
  occurredDateTime?: string
}

export interface InnerError {
  code: string
  message?: string
  errorDetail?: string
  innerError?: InnerError
}

/** REST API 2022-10-01, Update. */
export interface Update {
  updateId: UpdateId
  description?: string
  friendlyName?: string
  isDeployable?: boolean
  updateType?: string
  installedCriteria?: string
  compatibility: Record<string, string>[]
  instructions?: { steps: Step[] }
  referencedBy?: UpdateId[]
  scanResult?: string
  manifestVersion: string
  importedDateTime: string
  createdDateTime: string
  etag?: string
}

export interface Step {
  type?: 'inline' | 'reference'
  description?: string
  handler?: string
  handlerProperties?: Record<string, unknown>
  files?: string[]
  updateId?: UpdateId
}

export interface UpdateFileBase {
  fileName: string
  sizeInBytes: number
  hashes: Hashes
  mimeType?: string
  scanResult?: string
  scanDetails?: string
  properties?: Record<string, string>
}

/** REST API 2022-10-01, UpdateFile. */
export interface UpdateFile extends UpdateFileBase {
  fileId: string
  relatedFiles?: UpdateFileBase[]
  downloadHandler?: { id: string }
  etag?: string
}

/** An operation of any kind as lists show it: Aduana's own addition. */
export interface OperationSummary {
  operationId: string
  kind: 'import' | 'delete' | 'check'
  status: Operation['status']
  /** Every update that it is about. */
  updates: { updateId: UpdateId; description?: string; friendlyName?: string }[]
  /** Of all files, once the manifests are read. */
  sizeInBytes?: number
  bytesDone?: number
  error?: OperationError
  createdDateTime: string
  lastActionDateTime: string
}

/** An operation with how far it is with each file: Aduana's own addition. */
export interface OperationWithProgress extends Omit<OperationSummary, 'sizeInBytes' | 'bytesDone'> {
  files: FileProgress[]
  /** Only of a check: what it found that would stop no import. */
  warnings?: OperationError[]
}

export interface FileProgress {
  /** Which input of the request, from 0. */
  item: number
  fileName: string
  sizeInBytes: number
  bytesDone: number
  phase: 'Waiting' | 'Downloading' | 'Distributing' | 'Done'
}

/** Something that is told of an instance: Aduana's own addition. */
export interface WatchedEvent {
  /** The type of an event; `operation` for how an operation goes; `begin` and `reset` for where the stream begins. */
  event: string
  /** What to name to go on behind it; absent where there is nothing to go on from. */
  id?: string
  /** A CloudEvent, or an operation in the form of `OperationSummary`. */
  data: unknown
}

export interface WebhookInput {
  /** https, unless the operator allows the host. */
  url: string
  /** All, unless given. */
  types?: EventType[]
  /** As Standard Webhooks have it: whsec_ and base64. The server makes one, unless given. */
  secret?: string
}

/** Who is told of events: Aduana's own addition. */
export interface Webhook {
  name: string
  url: string
  types?: EventType[]
  /** Only in the answer to the request that made it. */
  secret?: string
  hasSecret: boolean
  createdDateTime: string
  changedDateTime: string
  lastDeliveredDateTime?: string
  lastFailedDateTime?: string
  lastFailure?: string
  /** Numbers of events. */
  waiting: number
  failed: number
}

/** An event that a webhook could not be told of. */
export interface DeadLetter {
  /** Of the event. */
  id: string
  type: EventType
  dateTime: string
  failedDateTime: string
  tries: number
  reason: string
}

/** How far the rescan is that was asked for last: Aduana's own addition. */
export interface Rescan {
  wantedDateTime: string
  /** Absent while something may be left to do. */
  endedDateTime?: string
  /** Numbers of contents: those of the instance, and among them. */
  total: number
  remaining: number
  infected: number
  notScanned: number
  infectedUpdates: UpdateId[]
  /** What is wrong with the scanner just now, for people. */
  problems: string[]
}

/** An update with the addresses of its content: Aduana's own addition. */
export interface UpdateWithContent extends Update {
  files: (ContentFile & { relatedFiles?: ContentFile[]; downloadHandler?: { id: string } })[]
  /** The children. */
  references?: UpdateId[]
  /** The import that brought the update. */
  operationId: string
}

export interface ContentFile extends UpdateFileBase {
  fileId: string
  /** Absolute. Of the first distribution store that has an address and a copy, else of the server. */
  contentUrl: string
  /** Absent where there are no distribution stores. */
  distribution?: FileCopy[]
}

/** The copy of a file at a distribution store. */
export interface FileCopy {
  store: string
  state: 'Waiting' | 'Present' | 'Dropping'
  /** Where it is downloaded, when it is present; absent where the store has no addresses. */
  url?: string
  since: string
  /** Why the last try failed. */
  reason?: string
}

/** How the distribution stores stand with the files of an instance: Aduana's own addition. */
export interface Distribution {
  stores: {
    store: string
    isRequired: boolean
    /** Numbers of files. */
    waiting: number
    present: number
    dropping: number
    oldestWaiting?: { since: string; reason?: string }
    lastCheckDateTime?: string
  }[]
}

/** What the caller has uploaded to be imported: Aduana's own addition. An import names it as `staging:{id}`. */
export interface StagedFile {
  id: string
  fileName: string
  sizeInBytes: number
  /** Complete when they are all. */
  bytesReceived: number
  expiresDateTime: string
}

/** Who a token speaks for, and where: Aduana's own addition. */
export interface Instances {
  subject: string
  issuer: string
  /** Those in which the caller has a role. */
  value: { instance: string; permissions: Permission[] }[]
  /** Whether the server has a malware scanner. */
  malwareScan: boolean
}

/** What the updates of an instance take: Aduana's own addition. */
export interface Usage {
  updates: number
  files: number
  /** The sum of all files. */
  sizeInBytes: number
  /** What is stored of it: the same content is stored once. */
  storedBytes: number
  /** The quotas; absent where none holds. */
  limits: { updates?: number; sizeInBytes?: number }
  largest: { provider: string; name: string; updates: number; sizeInBytes: number }[]
}

/** One entry of the audit log: Aduana's own addition. */
export interface AuditRecord {
  occurredDateTime: string
  action: AuditEntry['action']
  /** Absent, like the issuer, where there was no good token. */
  subject?: string
  issuer?: string
  address: string
  traceId: string
  operationId?: string
  code?: string
  target?: string
}
