import type { FastifySchema } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { listOf } from './schemas.ts'

/** Pieces of the OpenAPI description that many routes share. */

const problem = { description: 'A problem', content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } }

/** 202 and where to follow the operation. */
export const accepted = {
  202: {
    description: 'Accepted; the operation goes on in the background.',
    headers: { 'Operation-Location': { type: 'string', description: 'Where to ask how the operation goes.' } },
    type: 'null',
  },
}

/** A single document. Schemas with an `$id` become components. */
export function one(schema: TSchema) {
  return { 200: refOf(schema), 304: { description: 'Not modified', type: 'null' } }
}

/** A page of a list. */
export function listed(item: TSchema) {
  return { 200: listOf(refOf(item)) }
}

export const fileList = listed(Type.String())

function refOf(schema: TSchema): TSchema {
  const { $id } = schema as { $id?: string }
  return $id === undefined ? schema : ({ $ref: `${$id}#` } as TSchema)
}

/** The schema of a route of the compatible API. */
export function describe(
  summary: string,
  response: Record<number, unknown>,
  request: { body?: TSchema; querystring?: TSchema } = {},
): FastifySchema {
  return { summary, ...request, response: { ...response, default: problem } } as FastifySchema
}
