import Type from 'typebox'
import { LIMITS } from '../../domain/limits.ts'
import { copyFailure, copyState, storeName } from '../distribution/distribution-schemas.ts'
import { dateTime, etag, friendlyName, HASHES, ref, updateId } from '../schemas.ts'

const Hashes = Type.Object(
  { sha256: Type.String({ description: 'Base64 of the SHA-256 digest.' }) },
  { additionalProperties: Type.String(), description: HASHES },
)

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

export const Step = Type.Object(
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
