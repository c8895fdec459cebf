import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import type { Operation } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import { findOperation, listOperations } from '../../store/operations/operations.ts'
import { entity, json } from '../calls/answers.ts'
import type { ApiRoute, Call } from '../calls/call.ts'
import { readOperationFilter } from '../calls/filters.ts'
import { nextLink, pageTokenReader } from '../calls/paging.ts'
import { describe, listed, one } from '../route-schemas.ts'
import type { Documents } from '../schemas.ts'
import { pageMembers, pageOfOperations, readTop, topOption } from './operation-pages.ts'

/** A new operation is asked for every second, an old one less often. */
const YOUNG_MS = 30_000

const readToken = pageTokenReader(
  Type.Object({ ...pageMembers, filter: Type.Optional(Type.String()) }, { additionalProperties: false }),
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
            top: topOption,
          }),
        ),
      ),
      async handle({ instance, dialect, query, ...call }) {
        const { after, filter, top } = readToken(query.skipToken) ?? {
          filter: query.filter,
          top: readTop(query.top),
          after: undefined,
        }
        const statuses = readOperationFilter(filter)
        // Deletions are not listed (REST API 2022-10-01, List Operations).
        const { shown, next } = await pageOfOperations(top, (limit) =>
          listOperations(database, { instance, kind: 'import', ...(statuses && { statuses }), after, limit }),
        )
        return json({
          value: shown.map(dialect.operation),
          nextLink: next && nextLink({ ...call, query }, { ...next, filter }),
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
