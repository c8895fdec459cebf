import type { FastifySchema } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { listOf, ref } from './schemas.ts'

/** Pieces of the OpenAPI description that many routes share. */

/** The part of a route's description that depends on what it answers. */
interface Answers {
  headers?: TSchema
  querystring?: TSchema
  body?: TSchema
  response: Record<number, unknown>
}

const problem = {
  description: 'A problem',
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
}

const etagHeader = { ETag: { type: 'string', description: 'A quoted GUID, the same as in the body.' } }

/** 202 and where to follow the operation. */
export function accepted(
  { sendsLocation }: { sendsLocation: boolean },
  request: Omit<Answers, 'response'> = {},
): Answers {
  const location = { type: 'string', description: 'Where to ask how the operation goes, relative.' }
  return {
    ...request,
    response: {
      202: {
        description: 'Accepted; the operation goes on in the background. There is no body.',
        headers: {
          'Operation-Location': location,
          ...(sendsLocation && { Location: { ...location, description: 'The same as Operation-Location.' } }),
        },
        type: 'null',
      },
    },
  }
}

/** 202 with a document that tells how it goes. */
export function acceptedWith(schema: TSchema, request: Omit<Answers, 'response'>): Answers {
  return {
    ...request,
    response: {
      202: {
        description: 'Accepted; it goes on in the background. GET at the same address answers how.',
        content: { 'application/json': { schema: ref(schema) } },
      },
    },
  }
}

/** A single document. */
export function document(schema: TSchema): Answers {
  return {
    response: { 200: { description: 'The document', content: { 'application/json': { schema: ref(schema) } } } },
  }
}

/** A single document with an ETag. */
export function one(schema: TSchema, headers: Record<string, { type: string; description: string }> = {}): Answers {
  return {
    headers: Type.Object({
      'If-None-Match': Type.Optional(Type.String({ description: 'ETags of what the caller has already.' })),
    }),
    response: {
      200: {
        description: 'The document',
        headers: { ...etagHeader, ...headers },
        content: { 'application/json': { schema: ref(schema) } },
      },
      304: { description: 'What the caller has is up to date. There is no body.', headers: etagHeader, type: 'null' },
    },
  }
}

/** Events for as long as there are any. */
export function events(): Answers {
  return {
    response: {
      200: {
        description: 'A stream of events',
        content: { 'text/event-stream': { schema: Type.Unsafe({ type: 'string' }) } },
      },
    },
  }
}

/** A page of a list. */
export function listed(item: TSchema, querystring?: TSchema): Answers {
  return {
    ...(querystring !== undefined && { querystring }),
    response: { 200: { description: 'A page', content: { 'application/json': { schema: listOf(item) } } } },
  }
}

/** The schema of a route of the API. */
export function describe(
  about: { operationId: string; summary: string; description?: string },
  { response, ...request }: Answers,
): FastifySchema {
  return { ...about, ...request, response: { ...response, default: problem } } as FastifySchema
}

const bytes = { content: { 'application/octet-stream': { schema: Type.Unsafe({ type: 'string', format: 'binary' }) } } }

/** The schema of the route that serves bytes. */
export const contentSchema = {
  operationId: 'Content_Get',
  summary: 'Get the bytes of a file',
  description: 'The address is the `contentUrl` that Aduana_GetUpdate answers. What is behind it never changes.',
  tags: ['Content'],
  security: [],
  headers: Type.Object({
    Range: Type.Optional(Type.String({ description: 'One range of bytes.' })),
    'If-None-Match': Type.Optional(Type.String()),
    'If-Range': Type.Optional(Type.String()),
  }),
  response: {
    200: { description: 'All bytes', ...bytes },
    206: { description: 'The bytes of the range', ...bytes },
    304: { description: 'What the caller has is up to date.', type: 'null' },
    default: problem,
  },
} as FastifySchema

/** The schema of a route for supervisors, which answers a word. */
export function probe(operationId: string, summary: string): FastifySchema {
  return {
    operationId,
    summary,
    tags: ['Health'],
    security: [],
    response: {
      200: { description: 'All is well', content: { 'text/plain': { schema: Type.String() } } },
      default: problem,
    },
  } as FastifySchema
}
