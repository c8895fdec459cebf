import Type from 'typebox'
import { LIMITS } from '../../domain/limits.ts'
import { friendlyName, HASHES } from '../schemas.ts'

const Url = Type.String({
  minLength: 1,
  maxLength: LIMITS.urlLengthMax,
  description:
    'An http or https URL; typically a read-only SAS URL of a blob that stays valid for at least four hours. Or `staging:{id}`, for what the caller has uploaded.',
})

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
