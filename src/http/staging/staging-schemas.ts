import type { FastifySchema } from 'fastify'
import Type from 'typebox'
import { describe } from '../route-schemas.ts'
import { dateTime } from '../schemas.ts'

/** The media type of what tus clients send. */
export const OFFSET_OCTETS = 'application/offset+octet-stream'

const octets = {
  content: { [OFFSET_OCTETS]: { schema: Type.Unsafe({ type: 'string', format: 'binary' }) } },
} as object

const resumable = { 'Tus-Resumable': Type.String({ const: '1.0.0', description: 'The version of tus.' }) }

const offset = { type: 'string', description: 'How many bytes are kept: where to go on.' }

const expires = { type: 'string', description: 'When the upload expires unless more is sent: a date as in HTTP.' }

const MORE = 'Any client for tus 1.0.0 knows how (https://tus.io/protocols/resumable-upload).'

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

/** The descriptions of the routes of tus: their answers are headers. */
export const tusSchemas = {
  options: describe(
    { operationId: 'Staging_Options', summary: 'What of tus is offered' },
    {
      response: {
        204: {
          description: 'There is no body.',
          headers: {
            'Tus-Version': { type: 'string', description: 'The versions that are spoken.' },
            'Tus-Extension': { type: 'string', description: 'The extensions that are offered.' },
            'Tus-Max-Size': { type: 'string', description: 'The bytes that an upload may have.' },
          },
          type: 'null',
        },
      },
    },
  ),
  create: describe(
    {
      operationId: 'Staging_Create',
      summary: 'Begin an upload',
      description: `An import names it as \`staging:{id}\`, with the last part of \`Location\`. ${MORE}`,
    },
    {
      headers: Type.Object({
        ...resumable,
        'Upload-Length': Type.String({ description: 'The bytes of the whole file.' }),
        'Upload-Metadata': Type.Optional(
          Type.String({ description: '`filename` and the name of the file in base64, for people.' }),
        ),
      }),
      response: {
        201: {
          description: 'Begun. There is no body.',
          headers: {
            Location: { type: 'string', description: 'The address of the upload, relative.' },
            'Upload-Offset': { ...offset, description: 'How many bytes are kept; where the request had some.' },
            'Upload-Expires': expires,
          },
          type: 'null',
        },
      },
    },
  ),
  head: describe(
    { operationId: 'Staging_Get', summary: 'Where to go on with an upload' },
    {
      headers: Type.Object(resumable),
      response: {
        200: {
          description: 'There is no body.',
          headers: {
            'Upload-Offset': offset,
            'Upload-Length': { type: 'string', description: 'The bytes of the whole file.' },
            'Upload-Metadata': { type: 'string', description: 'As it was sent.' },
            'Upload-Expires': expires,
          },
          type: 'null',
        },
      },
    },
  ),
  patch: describe(
    { operationId: 'Staging_Append', summary: 'Send bytes of an upload', description: MORE },
    {
      headers: Type.Object({
        ...resumable,
        'Upload-Offset': Type.String({ description: 'Where in the file the first byte of the body stands.' }),
      }),
      body: octets as never,
      response: {
        204: {
          description: 'All bytes are kept. There is no body.',
          headers: { 'Upload-Offset': offset, 'Upload-Expires': expires },
          type: 'null',
        },
      },
    },
  ),
  remove: describe(
    { operationId: 'Staging_Delete', summary: 'Delete an upload' },
    { headers: Type.Object(resumable), response: { 204: { description: 'Deleted. There is no body.', type: 'null' } } },
  ),
} satisfies Record<string, FastifySchema>
