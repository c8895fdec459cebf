import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import type { Operation } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import { findOperation, listOperations } from '../../store/operations/operations.ts'
import { entity, json } from '../calls/answers.ts'
import type { ApiRoute, Call } from '../calls/call.ts'
import { readOperationFilter } from '../calls/filters.ts'
import { nextLink, PAGE_SIZE, pageTokenReader } from '../calls/paging.ts'
import { describe, listed, one } from '../route-schemas.ts'
import type { Documents } from '../schemas.ts'

/** A new operation is asked for every second, an old one less often. */
const YOUNG_MS = 30_000

export const TOP_MAX = 999_999_999

const closed = { additionalProperties: false }

/** Where a page of operations begins, in its token. */
export const afterOperation = Type.Object(
  {
    createdAt: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    operationId: Type.String(),
  },
  closed,
)

const readToken = pageTokenReader(
  Type.Object(
    {
      after: afterOperation,
      filter: Type.Optional(Type.String()),
      top: Type.Optional(Type.Integer({ minimum: 1, maximum: TOP_MAX })),
    },
    closed,
  ),
)

export function operationRoutes({ database }: { database: Database }, documents: Documents): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/updates/operations',
      permission: 'updates/read',
      rateGroup: 'list-operations',
      schema: describe(
        {
          operationId: `${documents.group}_ListOperationStatuses`,
          summary: 'List Operations, newest first',
          description: 'Imports only. Operations are forgotten seven days after they ended.',
        },
        listed(
          documents.operation,
          Type.Object({
            filter: Type.Optional(
              Type.String({
                description: "`status eq 'NotStarted' or status eq 'Running'`, with any of the statuses.",
              }),
            ),
            top: Type.Optional(
              Type.Integer({ minimum: 0, maximum: TOP_MAX, description: 'The length of the whole list.' }),
            ),
          }),
        ),
      ),
      async handle({ instance, dialect, query, ...call }) {
        const { after, filter, top } = readToken(query.skipToken) ?? {
          filter: query.filter,
          top: query.top === undefined ? undefined : readTop(query.top),
          after: undefined,
        }
        const statuses = readOperationFilter(filter)
        // `top` bounds the whole list, not the page: a recorded `$top=1` had no next link.
        const limit = Math.min(PAGE_SIZE, top ?? PAGE_SIZE)
        // Deletions are not listed (REST API 2022-10-01, List Operations).
        const operations = await listOperations(database, {
          instance,
          kind: 'import',
          ...(statuses && { statuses }),
          after,
          limit: limit + 1,
        })
        const shown = operations.slice(0, limit)
        const last = shown.at(-1)
        const topLeft = top === undefined ? undefined : top - shown.length
        const hasMore = operations.length > limit && last !== undefined && topLeft !== 0
        return json({
          value: shown.map(dialect.operation),
          nextLink: hasMore
            ? nextLink(
                { ...call, query },
                { after: { createdAt: last.createdAt, operationId: last.operationId }, filter, top: topLeft },
              )
            : undefined,
        })
      },
    },
    {
      method: 'GET',
      path: '/updates/operations/:operationId',
      permission: 'updates/read',
      schema: describe(
        {
          operationId: `${documents.group}_GetOperationStatus`,
          summary: 'Get Operation',
          description: 'An operation that failed is answered with 200 and the status Failed; `error` has the reason.',
        },
        one(documents.operation, {
          'Retry-After': { type: 'string', description: 'Seconds to wait before asking again; while it is not ended.' },
        }),
      ),
      async handle(call) {
        const operation = await getOperation(database, call)
        // The original service has no checks, and whoever polls here may take Succeeded for an import.
        if (operation.kind === 'check') throw noOperation()
        return entity(operation.etag, call.ifNoneMatch, () => call.dialect.operation(operation), retryAfter(operation))
      },
    },
  ]
}

/** Finds the operation that a path names. Throws `AppError('NotFound')`. */
export async function getOperation(
  database: Database,
  { instance, params }: Pick<Call, 'instance' | 'params'>,
): Promise<Operation> {
  // Early Python clients glued the query of Operation-Location to the id, escaped (recorded traffic, 2021).
  const operationId = params.operationId?.split('?', 1)[0] ?? ''
  const operation = await findOperation(database, instance, operationId.toLowerCase())
  if (operation === undefined) throw noOperation()
  return operation
}

function noOperation(): AppError {
  return new AppError('NotFound', 'There is no such operation. Operations are forgotten seven days after they ended.')
}

/** Without it, some clients ask again at once, for ever. */
function retryAfter({ status, createdAt }: Operation): Record<string, string> {
  if (status !== 'NotStarted' && status !== 'Running') return {}
  return { 'retry-after': Date.now() - createdAt < YOUNG_MS ? '1' : '5' }
}

/** Reads how long a whole list may be. Throws `AppError('InvalidRequest')`. */
export function readTop(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new AppError('InvalidRequest', 'top must be a whole number, 0 or more.', { target: 'top' })
}
