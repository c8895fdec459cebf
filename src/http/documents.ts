import type { TSchema } from 'typebox'
import { Distribution } from './distribution/distribution-schemas.ts'
import { DeadLetter, Webhook } from './events/webhook-schemas.ts'
import { AuditRecord } from './instances/audit-route.ts'
import { Usage } from './instances/usage-route.ts'
import {
  Operation,
  OperationSummary,
  OperationV2,
  OperationWithProgress,
  UpdateInfo,
} from './operations/operation-schemas.ts'
import { Rescan } from './scanning/rescan-schemas.ts'
import { type Documents, ErrorBody, InnerError, Problem, UpdateId } from './schemas.ts'
import { StagedFile } from './staging/staging-schemas.ts'
import { ImportUpdateInput, ImportUpdateInputV2 } from './updates/import-schemas.ts'
import { FileV2, Step, Update, UpdateFile, UpdateV2, UpdateWithContent } from './updates/update-schemas.ts'

/** What becomes a component of the OpenAPI description. */
export const COMPONENTS: readonly TSchema[] = [
  Update,
  UpdateV2,
  UpdateId,
  UpdateInfo,
  Step,
  UpdateFile,
  FileV2,
  Operation,
  OperationV2,
  Problem,
  ErrorBody,
  InnerError,
  UpdateWithContent,
  OperationSummary,
  OperationWithProgress,
  Rescan,
  Distribution,
  StagedFile,
  Usage,
  AuditRecord,
  Webhook,
  DeadLetter,
]

export const DOCUMENTS: Documents = {
  group: 'DeviceUpdate',
  sendsLocation: false,
  importBody: ImportUpdateInput,
  update: Update,
  file: UpdateFile,
  operation: Operation,
}

export const DOCUMENTS_V2: Documents = {
  group: 'Updates',
  sendsLocation: true,
  importBody: ImportUpdateInputV2,
  update: UpdateV2,
  file: FileV2,
  operation: OperationV2,
}
