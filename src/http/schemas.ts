import Type from 'typebox'
import { LIMITS } from '../domain/limits.ts'

/** The documents of the API. Requests are validated by these schemas, and the OpenAPI description is made from them. */

const Url = Type.String({
  minLength: 1,
  maxLength: LIMITS.urlLengthMax,
  description:
    'An http or https URL; typically a read-only SAS URL of a blob that stays valid for at least four hours.',
})

const Hashes = Type.Object(
  { sha256: Type.String({ description: 'Base64 of the SHA-256 digest.' }) },
  {
    additionalProperties: Type.String(),
    description:
      'Base64-encoded digests by algorithm; SHA-256 is required. Letter case of the algorithm makes no difference.',
  },
)

const ImportManifestMetadata = Type.Object({
  url: Url,
  sizeInBytes: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  hashes: Hashes,
})

const FileImportMetadata = Type.Object({
  filename: Type.String({ minLength: 1, description: 'The name of the file as the import manifest writes it.' }),
  url: Url,
})

const friendlyName = Type.Optional(
  Type.String({ minLength: 1, maxLength: LIMITS.friendlyNameLengthMax, description: 'A name given by the importer.' }),
)

export const ImportUpdateInputV2 = Type.Object(
  { importManifest: ImportManifestMetadata, friendlyName, files: Type.Array(FileImportMetadata, { minItems: 1 }) },
  { description: 'What to import (2020-09-01).' },
)

export const ImportUpdateInputItem = Type.Object({
  importManifest: ImportManifestMetadata,
  friendlyName,
  files: Type.Optional(Type.Array(FileImportMetadata)),
})

export const ImportUpdateInput = Type.Array(ImportUpdateInputItem, {
  minItems: 1,
  maxItems: LIMITS.inputsMax,
  description: 'What to import: a single update, or a parent with up to ten children, in any order.',
})

const updateId = Type.Object({ provider: Type.String(), name: Type.String(), version: Type.String() })
const dateTime = Type.String({ format: 'date-time' })
const compatibility = Type.Array(Type.Record(Type.String(), Type.String()))

export const UpdateV2 = Type.Object(
  {
    updateId,
    updateType: Type.String(),
    installedCriteria: Type.String(),
    compatibility,
    manifestVersion: Type.String(),
    importedDateTime: dateTime,
    createdDateTime: dateTime,
    etag: Type.Optional(Type.String()),
  },
  { $id: 'UpdateV2' },
)

const Step = Type.Object({
  type: Type.Optional(Type.Union([Type.Literal('inline'), Type.Literal('reference')])),
  description: Type.Optional(Type.String()),
  handler: Type.Optional(Type.String()),
  handlerProperties: Type.Optional(Type.Object({}, { additionalProperties: true })),
  files: Type.Optional(Type.Array(Type.String())),
  updateId: Type.Optional(updateId),
})

export const Update = Type.Object(
  {
    updateId,
    description: Type.Optional(Type.String()),
    friendlyName: Type.Optional(Type.String()),
    isDeployable: Type.Optional(Type.Boolean()),
    updateType: Type.Optional(Type.String()),
    installedCriteria: Type.Optional(Type.String()),
    compatibility,
    instructions: Type.Optional(Type.Object({ steps: Type.Array(Step) })),
    referencedBy: Type.Optional(Type.Array(updateId)),
    scanResult: Type.Optional(Type.String()),
    manifestVersion: Type.String(),
    importedDateTime: dateTime,
    createdDateTime: dateTime,
    etag: Type.Optional(Type.String()),
  },
  { $id: 'Update' },
)

const baseFile = {
  fileName: Type.String(),
  sizeInBytes: Type.Integer(),
  hashes: Type.Record(Type.String(), Type.String()),
  mimeType: Type.Optional(Type.String()),
  scanResult: Type.Optional(Type.String()),
  scanDetails: Type.Optional(Type.String()),
  properties: Type.Optional(Type.Object({}, { additionalProperties: true })),
}

export const FileV2 = Type.Object(
  {
    fileId: Type.String(),
    fileName: baseFile.fileName,
    sizeInBytes: baseFile.sizeInBytes,
    hashes: baseFile.hashes,
    mimeType: baseFile.mimeType,
    etag: Type.Optional(Type.String()),
  },
  { $id: 'FileV2' },
)

export const UpdateFile = Type.Object(
  {
    fileId: Type.String(),
    ...baseFile,
    relatedFiles: Type.Optional(Type.Array(Type.Object(baseFile))),
    downloadHandler: Type.Optional(Type.Object({ id: Type.String() })),
    etag: Type.Optional(Type.String()),
  },
  { $id: 'UpdateFile' },
)

const errorMembers = {
  code: Type.String(),
  message: Type.String(),
  target: Type.Optional(Type.String()),
  details: Type.Optional(Type.Array(Type.Object({}, { additionalProperties: true }))),
}

const operationError = Type.Object({
  ...errorMembers,
  innererror: Type.Optional(Type.Object({}, { additionalProperties: true })),
  innerError: Type.Optional(Type.Object({}, { additionalProperties: true })),
  occurredDateTime: Type.Optional(dateTime),
})

const operation = {
  operationId: Type.String(),
  status: Type.Union(['NotStarted', 'Running', 'Succeeded', 'Failed'].map((status) => Type.Literal(status))),
  resourceLocation: Type.Optional(Type.String()),
  error: Type.Optional(operationError),
  traceId: Type.Optional(Type.String()),
  lastActionDateTime: dateTime,
  createdDateTime: dateTime,
  etag: Type.Optional(Type.String()),
}

/** 2020-09-01 and 2021-06-01-preview. */
export const OperationV2 = Type.Object({ ...operation, updateId: Type.Optional(updateId) }, { $id: 'OperationV2' })

export const Operation = Type.Object(
  {
    ...operation,
    update: Type.Optional(
      Type.Object({
        updateId,
        description: Type.Optional(Type.String()),
        friendlyName: Type.Optional(Type.String()),
      }),
    ),
  },
  { $id: 'Operation' },
)

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    traceId: Type.String(),
    error: Type.Object(errorMembers),
  },
  { $id: 'Problem' },
)

/** A page of a list. */
export function listOf(item: Type.TSchema) {
  return Type.Object({ value: Type.Array(item), nextLink: Type.Optional(Type.String()) })
}

const content = {
  fileId: Type.String(),
  fileName: Type.String(),
  sizeInBytes: Type.Integer(),
  hashes: Type.Record(Type.String(), Type.String()),
  contentUrl: Type.String({ format: 'uri' }),
}

export const UpdateWithContent = Type.Object(
  {
    updateId,
    files: Type.Array(Type.Object({ ...content, relatedFiles: Type.Optional(Type.Array(Type.Object(content))) })),
  },
  { $id: 'UpdateWithContent', additionalProperties: true },
)

export const OperationWithProgress = Type.Object(
  {
    operationId: Type.String(),
    kind: Type.Union([Type.Literal('import'), Type.Literal('delete')]),
    status: operation.status,
    updates: Type.Array(Type.Object({ updateId }, { additionalProperties: true })),
    files: Type.Array(
      Type.Object({
        item: Type.Integer({ description: 'Which input of the request, from 0.' }),
        fileName: Type.String(),
        sizeInBytes: Type.Integer(),
        bytesDone: Type.Integer(),
        phase: Type.Union(['Waiting', 'Downloading', 'Done'].map((phase) => Type.Literal(phase))),
      }),
    ),
    error: Type.Optional(operationError),
    createdDateTime: dateTime,
    lastActionDateTime: dateTime,
  },
  { $id: 'OperationWithProgress' },
)

/** The documents that a path speaks of: `/v2` has those of 2020-09-01. */
export interface Documents {
  importBody: Type.TSchema
  update: Type.TSchema
  file: Type.TSchema
  operation: Type.TSchema
}

export const DOCUMENTS: Documents = {
  importBody: ImportUpdateInput,
  update: Update,
  file: UpdateFile,
  operation: Operation,
}

export const DOCUMENTS_V2: Documents = {
  importBody: ImportUpdateInputV2,
  update: UpdateV2,
  file: FileV2,
  operation: OperationV2,
}
