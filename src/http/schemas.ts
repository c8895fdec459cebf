import Type, { type TSchema } from 'typebox'
import { LIMITS } from '../domain/limits.ts'

/**
 * The documents of the API, as strict as the published specifications. Requests are validated by these schemas, and the OpenAPI
 * description is made from them: a schema with an `$id` becomes a component of that name. Each room has its own; here is what they share.
 */

/** Speaks of a component by its name. */
export function ref(schema: TSchema): TSchema {
  const { $id } = schema as { $id?: string }
  return $id === undefined ? schema : Type.Unsafe({ $ref: `${$id}#` })
}

export const dateTime = (description: string) => Type.String({ format: 'date-time', description })

export const etag = Type.Optional(
  Type.String({ pattern: '^".+"$', description: 'A quoted GUID, the same as in the header ETag.' }),
)

export const HASHES =
  'Base64-encoded digests by algorithm; SHA-256 is required. Letter case of the algorithm makes no difference.'

export const friendlyName = Type.Optional(
  Type.String({ minLength: 1, maxLength: LIMITS.friendlyNameLengthMax, description: 'A name given by the importer.' }),
)

export const UpdateId = Type.Object(
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

export const updateId = ref(UpdateId)

export const InnerError = Type.Object(
  {
    code: Type.String(),
    message: Type.Optional(Type.String()),
    errorDetail: Type.Optional(Type.String({ description: 'The raw text from outside, such as an HTTP status line.' })),
    innerError: Type.Optional(Type.Unsafe({ $ref: 'InnerError#' })),
  },
  { $id: 'InnerError', description: 'A more precise error, down to what really happened.' },
)

export const ErrorBody = Type.Object(
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
