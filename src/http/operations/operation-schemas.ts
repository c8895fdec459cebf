import Type from 'typebox'
import { OPERATION_KINDS, OPERATION_STATUSES } from '../../domain/operation.ts'
import { dateTime, ErrorBody, etag, friendlyName, ref, updateId } from '../schemas.ts'

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

export const UpdateInfo = Type.Object(
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
