import Type from 'typebox'
import { OPERATION_KINDS, OPERATION_STATUSES } from '../domain/operation.ts'
import type { Database } from '../ports/database.ts'
import { listOperationsOfKinds } from '../store/operations.ts'
import { json } from './answers.ts'
import type { ApiRoute } from './call.ts'
import { readWords } from './filters.ts'
import { operationSummaries, operationWithProgress } from './operation-documents.ts'
import { afterOperation, getOperation, readTop, TOP_MAX } from './operation-routes.ts'
import { nextLink, PAGE_SIZE, pageTokenReader } from './paging.ts'
import { describe, document, listed } from './route-schemas.ts'
import { OperationSummary, OperationWithProgress } from './schemas.ts'

const readToken = pageTokenReader(
  Type.Object(
    {
      after: afterOperation,
      status: Type.Optional(Type.Array(Type.Enum([...OPERATION_STATUSES]))),
      kind: Type.Optional(Type.Array(Type.Enum([...OPERATION_KINDS]))),
      top: Type.Optional(Type.Integer({ minimum: 1, maximum: TOP_MAX })),
    },
    { additionalProperties: false },
  ),
)

/** Operations as Aduana itself shows them: of every kind, with their progress. */
export function ownOperationRoutes({ database }: { database: Database }): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/operations',
      permission: 'updates/read',
      rateGroup: 'list-operations',
      schema: describe(
        {
          operationId: 'Aduana_ListOperations',
          summary: 'List operations of every kind, newest first',
          description: 'Operations are forgotten seven days after they ended.',
        },
        listed(
          OperationSummary,
          Type.Object({
            status: Type.Optional(Type.String({ description: `With commas: ${OPERATION_STATUSES.join(', ')}.` })),
            kind: Type.Optional(Type.String({ description: `With commas: ${OPERATION_KINDS.join(', ')}.` })),
            top: Type.Optional(
              Type.Integer({ minimum: 0, maximum: TOP_MAX, description: 'The length of the whole list.' }),
            ),
          }),
        ),
      ),
      async handle({ instance, query, ...call }) {
        const { after, status, kind, top } = readToken(query.skipToken) ?? {
          after: undefined,
          status: readWords('status', query.status, OPERATION_STATUSES),
          kind: readWords('kind', query.kind, OPERATION_KINDS),
          top: query.top === undefined ? undefined : readTop(query.top),
        }
        const limit = Math.min(PAGE_SIZE, top ?? PAGE_SIZE)
        const found = await listOperationsOfKinds(database, {
          instance,
          kinds: kind ?? OPERATION_KINDS,
          ...(status && { statuses: status }),
          after,
          limit: limit + 1,
        })
        const shown = found.slice(0, limit)
        const last = shown.at(-1)
        const topLeft = top === undefined ? undefined : top - shown.length
        const hasMore = found.length > limit && last !== undefined && topLeft !== 0
        return json({
          value: await operationSummaries(database, shown),
          nextLink: hasMore
            ? nextLink(
                { ...call, query },
                { after: { createdAt: last.createdAt, operationId: last.operationId }, status, kind, top: topLeft },
              )
            : undefined,
        })
      },
    },
    {
      method: 'GET',
      path: '/operations/:operationId',
      permission: 'updates/read',
      schema: describe(
        { operationId: 'Aduana_GetOperation', summary: 'Get Operation with its progress' },
        document(OperationWithProgress),
      ),
      handle: async (call) => json(await operationWithProgress(database, await getOperation(database, call))),
    },
  ]
}
