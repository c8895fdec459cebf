import Type, { type TSchema } from 'typebox'
import { AUDIT_ACTIONS } from '../domain/audit-entry.ts'
import { COPY_STATES } from '../domain/distribution.ts'
import { EVENT_TYPES } from '../domain/event.ts'
import { LIMITS } from '../domain/limits.ts'
import { OPERATION_KINDS, OPERATION_STATUSES } from '../domain/operation.ts'
import { INFECTED_UPDATES_MAX } from '../services/scanning/rescan-progress.ts'

/**
 * The documents of the API, as strict as the published specifications. Requests are validated by these schemas, and the OpenAPI
 * description is made from them: a schema with an `$id` becomes a component of that name.
 */

/** Speaks of a component by its name. */
export function ref(schema: TSchema): TSchema {
  const { $id } = schema as { $id?: string }
  return $id === undefined ? schema : Type.Unsafe({ $ref: `${$id}#` })
}

const dateTime = (description: string) => Type.String({ format: 'date-time', description })

const etag = Type.Optional(
  Type.String({ pattern: '^".+"$', description: 'A quoted GUID, the same as in the header ETag.' }),
)

// What is asked for.

const Url = Type.String({
  minLength: 1,
  maxLength: LIMITS.urlLengthMax,
  description:
    'An http or https URL; typically a read-only SAS URL of a blob that stays valid for at least four hours. Or `staging:{id}`, for what the caller has uploaded.',
})

const HASHES =
  'Base64-encoded digests by algorithm; SHA-256 is required. Letter case of the algorithm makes no difference.'

const Hashes = Type.Object(
  { sha256: Type.String({ description: 'Base64 of the SHA-256 digest.' }) },
  { additionalProperties: Type.String(), description: HASHES },
)

const StatedHashes = Type.Object(
  { sha256: Type.String({ description: 'Base64 of the SHA-256 digest.' }) },
  {
    additionalProperties: Type.String({ maxLength: LIMITS.hashLengthMax }),
    maxProperties: LIMITS.hashesMax,
    description: HASHES,
  },
)

const ImportManifestMetadata = Type.Object(
  {
    url: Url,
    sizeInBytes: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    hashes: StatedHashes,
  },
  { title: 'ImportManifestMetadata', description: 'Where the import manifest is, and what it must be, byte for byte.' },
)

const FileImportMetadata = Type.Object(
  {
    filename: Type.String({
      minLength: 1,
      maxLength: LIMITS.requestFileNameLengthMax,
      description: 'The name of the file as the import manifest writes it.',
    }),
    url: Url,
  },
  { title: 'FileImportMetadata' },
)

const friendlyName = Type.Optional(
  Type.String({ minLength: 1, maxLength: LIMITS.friendlyNameLengthMax, description: 'A name given by the importer.' }),
)

export const ImportUpdateInputV2 = Type.Object(
  {
    importManifest: ImportManifestMetadata,
    friendlyName,
    files: Type.Array(FileImportMetadata, { minItems: 1, maxItems: LIMITS.requestFilesMax }),
  },
  { title: 'ImportUpdateInputV2', description: 'What to import (2020-09-01).' },
)

export const ImportUpdateInputItem = Type.Object(
  {
    importManifest: ImportManifestMetadata,
    friendlyName,
    files: Type.Optional(
      Type.Array(FileImportMetadata, {
        maxItems: LIMITS.requestFilesMax,
        description: 'Every file and related file of the manifest, but not the manifest itself.',
      }),
    ),
  },
  { title: 'ImportUpdateInputItem' },
)

export const ImportUpdateInput = Type.Array(ImportUpdateInputItem, {
  title: 'ImportUpdateInput',
  minItems: 1,
  maxItems: LIMITS.inputsMax,
  description: 'What to import: a single update, or a parent with up to ten children, in any order.',
})

// What is answered.

const UpdateId = Type.Object(
  {
    provider: Type.String({ minLength: 1, maxLength: LIMITS.identityLengthMax, pattern: '^[a-zA-Z0-9.-]+$' }),
    name: Type.String({ minLength: 1, maxLength: LIMITS.identityLengthMax, pattern: '^[a-zA-Z0-9.-]+$' }),
    version: Type.String({
      pattern: '^\\d+(\\.\\d+){1,3}$',
      description: 'Two to four numbers, without leading zeros.',
    }),
  },
  { $id: 'UpdateId', description: 'The identity of an update.' },
)

const updateId = ref(UpdateId)

const compatibility = Type.Array(Type.Record(Type.String(), Type.String()), {
  minItems: 1,
  maxItems: LIMITS.compatibilityMax,
  description: 'Sets of device properties that the update is for, to the letter of the import manifest.',
})

const manifestVersion = Type.Enum(['2.0', '3.0', '4.0', '5.0'], {
  type: 'string',
  description: 'The version of the import manifest.',
})

const scanResult = Type.Optional(
  Type.Enum(['Success', 'Infected', 'NotScanned'], {
    type: 'string',
    description: 'What the malware scan found. An update has the worst result of its files.',
  }),
)

const updateTimes = {
  importedDateTime: dateTime('When the update was imported.'),
  createdDateTime: dateTime('When the update was made, as its import manifest says.'),
}

export const UpdateV2 = Type.Object(
  {
    updateId,
    updateType: Type.String({ description: 'The handler; for manifests since 4.0 that of a single inline step.' }),
    installedCriteria: Type.String({ minLength: 1 }),
    compatibility,
    manifestVersion,
    ...updateTimes,
    etag,
  },
  { $id: 'UpdateV2', description: 'An imported update (2020-09-01).' },
)

const Step = Type.Object(
  {
    type: Type.Optional(Type.Enum(['inline', 'reference'], { type: 'string', default: 'inline' })),
    description: Type.Optional(Type.String({ minLength: 1, maxLength: LIMITS.stepDescriptionLengthMax })),
    handler: Type.Optional(
      Type.String({ minLength: 1, maxLength: LIMITS.handlerLengthMax, description: 'Of an inline step.' }),
    ),
    handlerProperties: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'To the letter of the import manifest.' }),
    ),
    files: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: LIMITS.fileNameLengthMax }), {
        minItems: 1,
        maxItems: LIMITS.stepFilesMax,
        description: 'Names of files, of an inline step.',
      }),
    ),
    updateId: Type.Optional(updateId),
  },
  { $id: 'Step', minProperties: 2, description: 'What a device does, or, by its updateId, which child it installs.' },
)

export const Update = Type.Object(
  {
    updateId,
    description: Type.Optional(
      Type.String({ minLength: 1, maxLength: LIMITS.descriptionLengthMax, description: 'From the import manifest.' }),
    ),
    friendlyName,
    isDeployable: Type.Optional(Type.Boolean({ default: true })),
    updateType: Type.Optional(Type.String({ description: 'Only of import manifests 2.0 and 3.0.', deprecated: true })),
    installedCriteria: Type.Optional(
      Type.String({ description: 'Only of import manifests 2.0 and 3.0.', deprecated: true }),
    ),
    compatibility,
    instructions: Type.Optional(
      Type.Object(
        { steps: Type.Array(ref(Step), { minItems: 1, maxItems: LIMITS.stepsMax }) },
        { title: 'Instructions' },
      ),
    ),
    referencedBy: Type.Optional(
      Type.Array(updateId, { minItems: 1, description: 'The parents: updates that reference this one.' }),
    ),
    scanResult,
    manifestVersion,
    ...updateTimes,
    etag,
  },
  { $id: 'Update', description: 'An imported update.' },
)

const fileMembersV2 = {
  fileName: Type.String({ minLength: 1, maxLength: LIMITS.fileNameLengthMax }),
  sizeInBytes: Type.Integer({ minimum: 1, maximum: LIMITS.fileBytesMax }),
  hashes: Hashes,
  mimeType: Type.Optional(Type.String()),
}

const fileId = Type.String({ minLength: 1, description: 'Made by the server at import.' })

export const FileV2 = Type.Object(
  { fileId, ...fileMembersV2, etag },
  { $id: 'FileV2', description: 'A file of an update (2020-09-01).' },
)

const fileMembers2021 = { ...fileMembersV2, scanResult, scanDetails: Type.Optional(Type.String()) }

const fileMembers = {
  ...fileMembers2021,
  properties: Type.Optional(
    Type.Object(
      {},
      { additionalProperties: true, description: 'For the device, to the letter of the import manifest.' },
    ),
  ),
}

export const UpdateFile = Type.Object(
  {
    fileId,
    ...fileMembers,
    relatedFiles: Type.Optional(
      Type.Array(Type.Object(fileMembers, { title: 'UpdateFileBase' }), {
        minItems: 1,
        description: 'Files that the download handler makes this one from, such as deltas.',
      }),
    ),
    downloadHandler: Type.Optional(Type.Object({ id: Type.String() }, { title: 'UpdateFileDownloadHandler' })),
    etag,
  },
  { $id: 'UpdateFile', description: 'A file of an update.' },
)

const InnerError = Type.Object(
  {
    code: Type.String(),
    message: Type.Optional(Type.String()),
    errorDetail: Type.Optional(Type.String({ description: 'The raw text from outside, such as an HTTP status line.' })),
    innerError: Type.Optional(Type.Unsafe({ $ref: 'InnerError#' })),
  },
  { $id: 'InnerError', description: 'A more precise error, down to what really happened.' },
)

const ErrorBody = Type.Object(
  {
    code: Type.String({ description: 'One of the codes in docs/errors.md.' }),
    message: Type.String({ description: 'For people.' }),
    target: Type.Optional(Type.String({ description: 'What it is about: a name or a JSON Pointer.' })),
    item: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Which input of the request it is about, from 0; only of a check.' }),
    ),
    details: Type.Optional(Type.Array(Type.Unsafe({ $ref: 'Error#' }), { description: 'Every single mistake.' })),
    innererror: Type.Optional(ref(InnerError)),
    innerError: Type.Optional(Type.Unsafe({ $ref: 'InnerError#', description: 'The same as innererror.' })),
    occurredDateTime: Type.Optional(dateTime('When the operation failed.')),
  },
  { $id: 'Error' },
)

const status = Type.Enum([...OPERATION_STATUSES], { type: 'string' })

const operationTimes = {
  lastActionDateTime: dateTime('When the status last changed.'),
  createdDateTime: dateTime('When the import, deletion or check was asked for.'),
}

const operation = {
  operationId: Type.String({ minLength: 1, maxLength: 256 }),
  status,
  resourceLocation: Type.Optional(
    Type.String({ description: 'The address of the imported update, relative; only of imports that succeeded.' }),
  ),
  error: Type.Optional(ref(ErrorBody)),
  traceId: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$' })),
  ...operationTimes,
  etag,
}

/** 2020-09-01 and 2021-06-01-preview. */
export const OperationV2 = Type.Object(
  { ...operation, updateId: Type.Optional(updateId) },
  { $id: 'OperationV2', description: 'An import or deletion (2020-09-01 and 2021-06-01-preview).' },
)

const UpdateInfo = Type.Object(
  { updateId, description: Type.Optional(Type.String()), friendlyName },
  { $id: 'UpdateInfo' },
)

export const Operation = Type.Object(
  {
    ...operation,
    update: Type.Optional(ref(UpdateInfo)),
  },
  {
    $id: 'Operation',
    description:
      'An import or deletion. `update` is there once the import manifest was read. 2021-06-01-preview has `updateId` in its place.',
  },
)

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String({ description: 'The reason phrase of the status.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    traceId: Type.String({ description: 'The same as in the header traceparent.' }),
    error: ref(ErrorBody),
  },
  { $id: 'Problem', description: 'A problem document (RFC 7807) that is an error envelope too.' },
)

/** A page of a list. */
export function listOf(item: TSchema): TSchema {
  return Type.Object({
    value: Type.Array(ref(item)),
    nextLink: Type.Optional(
      Type.String({ description: 'The address of the next page, relative; absent on the last one.' }),
    ),
  })
}

const storeName = Type.String({ description: 'The name that the store is configured with.' })

const copyState = Type.Enum([...COPY_STATES], {
  type: 'string',
  description: 'To be copied, there, or no longer wanted there, such as a file that was found infected.',
})

const copyFailure = Type.Optional(Type.String({ description: 'Why the last try failed. It is tried again.' }))

const content = {
  fileId,
  ...fileMembers2021,
  contentUrl: Type.String({
    format: 'uri',
    description:
      'Serves the bytes; needs no token. That of the first distribution store which has an address and a copy, else of this server.',
  }),
  distribution: Type.Optional(
    Type.Array(
      Type.Object({
        store: storeName,
        state: copyState,
        url: Type.Optional(
          Type.String({ format: 'uri', description: 'Where the copy is downloaded, when it is Present.' }),
        ),
        since: dateTime('Since when it has this state.'),
        reason: copyFailure,
      }),
      {
        description:
          'The copies at distribution stores, as far as those were told of the file. Absent where there are no such stores.',
      },
    ),
  ),
}

export const UpdateWithContent = Type.Object(
  {
    ...Update.properties,
    files: Type.Array(
      Type.Object({
        ...content,
        relatedFiles: Type.Optional(Type.Array(Type.Object(content), { minItems: 1 })),
        downloadHandler: Type.Optional(Type.Object({ id: Type.String() })),
      }),
    ),
    references: Type.Optional(
      Type.Array(updateId, { minItems: 1, description: 'The children: updates that this one references.' }),
    ),
    operationId: Type.String({
      description: 'The import that brought the update. The audit log has it longer than the list of operations.',
    }),
  },
  { $id: 'UpdateWithContent', description: 'An update with the addresses of its content.' },
)

const ownOperation = {
  operationId: operation.operationId,
  kind: Type.Enum([...OPERATION_KINDS], { type: 'string' }),
  status,
  updates: Type.Array(ref(UpdateInfo), { description: 'Every update that the operation is about.' }),
  error: Type.Optional(ref(ErrorBody)),
  createdDateTime: operationTimes.createdDateTime,
  lastActionDateTime: operationTimes.lastActionDateTime,
}

export const OperationSummary = Type.Object(
  {
    ...ownOperation,
    sizeInBytes: Type.Optional(Type.Integer({ minimum: 0, description: 'Of all files, once the manifests are read.' })),
    bytesDone: Type.Optional(Type.Integer({ minimum: 0, description: 'Of all files.' })),
  },
  { $id: 'OperationSummary', description: 'An operation as lists show it.' },
)

export const OperationWithProgress = Type.Object(
  {
    ...ownOperation,
    files: Type.Array(
      Type.Object({
        item: Type.Integer({ minimum: 0, description: 'Which input of the request, from 0.' }),
        fileName: Type.String(),
        sizeInBytes: Type.Integer(),
        bytesDone: Type.Integer({ minimum: 0 }),
        phase: Type.Enum(['Waiting', 'Downloading', 'Distributing', 'Done'], { type: 'string' }),
      }),
    ),
    warnings: Type.Optional(
      Type.Array(ref(ErrorBody), { description: 'Only of a check: what it found that would stop no import.' }),
    ),
  },
  { $id: 'OperationWithProgress', description: 'An operation with how far it is.' },
)

export const RescanInput = Type.Object(
  {
    everything: Type.Optional(
      Type.Boolean({ default: false, description: 'Scan again what was scanned with the signatures in force, too.' }),
    ),
  },
  { title: 'RescanInput', description: 'What to scan again. May be left out.' },
)

export const Rescan = Type.Object(
  {
    wantedDateTime: dateTime('When the rescan was asked for: what was scanned before is scanned again.'),
    endedDateTime: Type.Optional(dateTime('When nothing was left to do; absent while something may be.')),
    total: Type.Integer({ minimum: 0, description: 'How many contents the files of the instance have.' }),
    remaining: Type.Integer({ minimum: 0, description: 'Contents that are still to be scanned.' }),
    infected: Type.Integer({ minimum: 0, description: 'Contents that are known to be infected. They are not served.' }),
    notScanned: Type.Integer({
      minimum: 0,
      description: 'Contents that could not be scanned again, or never were. An earlier verdict stays in force.',
    }),
    infectedUpdates: Type.Array(updateId, {
      maxItems: INFECTED_UPDATES_MAX,
      description: 'Updates with infected files; the first ones, where there are many.',
    }),
    problems: Type.Array(Type.String(), { description: 'What is wrong with the scanner just now, for people.' }),
  },
  { $id: 'Rescan', description: 'How far the rescan is that was asked for last.' },
)

export const Distribution = Type.Object(
  {
    stores: Type.Array(
      Type.Object({
        store: storeName,
        isRequired: Type.Boolean({ description: 'Whether an import must reach it before it succeeds.' }),
        waiting: Type.Integer({ minimum: 0, description: 'Files of this instance that are to be copied there.' }),
        present: Type.Integer({ minimum: 0, description: 'Files of this instance that are there.' }),
        dropping: Type.Integer({ minimum: 0, description: 'Files of this instance that are to be deleted there.' }),
        oldestWaiting: Type.Optional(
          Type.Object(
            { since: dateTime('Since when it waits.'), reason: copyFailure },
            { description: 'The file of this instance that waits longest.' },
          ),
        ),
        lastCheckDateTime: Type.Optional(
          dateTime('When the store was last compared with the catalogue, from end to end.'),
        ),
      }),
      { description: 'The stores that are configured, in their order.' },
    ),
  },
  { $id: 'Distribution', description: 'How the distribution stores stand with the files of an instance.' },
)

export const StagedFile = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f]{32}$', description: 'An import names it as `staging:{id}`.' }),
    fileName: Type.String({ description: 'As the client calls it; else its id.' }),
    sizeInBytes: Type.Integer({ minimum: 0 }),
    bytesReceived: Type.Integer({ minimum: 0, description: 'An import can name it once that is all of them.' }),
    expiresDateTime: dateTime('When it is gone, unless more is sent or an import names it.'),
  },
  { $id: 'StagedFile', description: 'What was uploaded to be imported.' },
)

export const Usage = Type.Object(
  {
    updates: Type.Integer({ minimum: 0 }),
    files: Type.Integer({ minimum: 0, description: 'Files and related files of all updates.' }),
    sizeInBytes: Type.Integer({ minimum: 0, description: 'The sum of the sizes of all files, as quotas count it.' }),
    storedBytes: Type.Integer({
      minimum: 0,
      description: 'What is stored for them: files of the same content share it. Other instances may share it, too.',
    }),
    limits: Type.Object(
      { updates: Type.Optional(Type.Integer()), sizeInBytes: Type.Optional(Type.Integer()) },
      { description: 'The quotas of the instance; absent where none holds.' },
    ),
    largest: Type.Array(
      Type.Object({
        provider: Type.String(),
        name: Type.String(),
        updates: Type.Integer({ minimum: 1 }),
        sizeInBytes: Type.Integer({ minimum: 0 }),
      }),
      { description: 'The names whose versions take most, the largest first.' },
    ),
  },
  { $id: 'Usage', description: 'What the updates of an instance take.' },
)

export const AuditRecord = Type.Object(
  {
    occurredDateTime: dateTime('When it was.'),
    action: Type.Enum([...AUDIT_ACTIONS], { type: 'string' }),
    subject: Type.Optional(Type.String({ description: 'Who it was, as the token says; absent without a good token.' })),
    issuer: Type.Optional(Type.String({ description: 'Whose token it was.' })),
    address: Type.String({ description: 'Where the request came from.' }),
    traceId: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    operationId: Type.Optional(Type.String()),
    code: Type.Optional(Type.String({ description: 'Why it was refused.' })),
    target: Type.Optional(Type.String({ description: 'What it was about.' })),
  },
  { $id: 'AuditRecord', description: 'One entry of the audit log.' },
)

const eventTypes = Type.Optional(
  Type.Array(Type.Enum([...EVENT_TYPES], { type: 'string' }), {
    minItems: 1,
    maxItems: EVENT_TYPES.length,
    description: 'Which events it is told of; all, unless given.',
  }),
)

export const WebhookInput = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: LIMITS.urlLengthMax,
      description: 'Where events are posted to, with https.',
    }),
    types: eventTypes,
    secret: Type.Optional(
      Type.String({
        maxLength: 200,
        description:
          'whsec_ and 24 to 64 bytes in base64, to sign with (Standard Webhooks). The server makes one, unless given.',
      }),
    ),
  },
  { title: 'WebhookInput', additionalProperties: false, description: 'Whom to tell of events.' },
)

export const Webhook = Type.Object(
  {
    name: Type.String(),
    url: Type.String(),
    types: eventTypes,
    secret: Type.Optional(
      Type.String({ description: 'Only in the answer to the request that made it: keep it, it is not shown again.' }),
    ),
    hasSecret: Type.Boolean({ description: 'False after a restore: then nothing is sent until it is set again.' }),
    createdDateTime: dateTime('When it was made.'),
    changedDateTime: dateTime('When it was last set.'),
    lastDeliveredDateTime: Type.Optional(dateTime('When it last took an event.')),
    lastFailedDateTime: Type.Optional(dateTime('When a try last failed.')),
    lastFailure: Type.Optional(Type.String({ description: 'Why, for people.' })),
    waiting: Type.Integer({ minimum: 0, description: 'Events that it is still to be told of.' }),
    failed: Type.Integer({ minimum: 0, description: 'Events that were given up.' }),
  },
  { $id: 'Webhook', description: 'Who is told of events, and how that goes.' },
)

export const DeadLetter = Type.Object(
  {
    id: Type.String({ description: 'Of the event.' }),
    type: Type.Enum([...EVENT_TYPES], { type: 'string' }),
    dateTime: dateTime('When it happened.'),
    failedDateTime: dateTime('When the last try failed.'),
    tries: Type.Integer({ minimum: 1 }),
    reason: Type.String({ description: 'Why the last try failed, for people.' }),
  },
  { $id: 'DeadLetter', description: 'An event that a webhook could not be told of.' },
)

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

/** The documents that a path speaks of: `/v2` has those of 2020-09-01. */
export interface Documents {
  /** How the specification names the group of operations: ids begin with it. */
  group: 'DeviceUpdate' | 'Updates'
  /** Whether the answer to an import or deletion has `Location` beside `Operation-Location`. */
  sendsLocation: boolean
  importBody: TSchema
  update: TSchema
  file: TSchema
  operation: TSchema
}

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
