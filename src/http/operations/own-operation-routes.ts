import type { FastifyBaseLogger } from 'fastify'
import Type from 'typebox'
import { jsonText } from '../../domain/json-text.ts'
import { OPERATION_KINDS, OPERATION_STATUSES } from '../../domain/operation.ts'
import type { Database } from '../../ports/database.ts'
import { createLookout, type Watch } from '../../services/events/lookout.ts'
import { findOperation, listOperationsOfKinds, markOf } from '../../store/operations/operations.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute } from '../calls/call.ts'
import { IDLE_MS, type ServerEvent } from '../calls/event-streams.ts'
import { readWords } from '../calls/filters.ts'
import { nextLink, pageTokenReader } from '../calls/paging.ts'
import { describe, document, events, listed } from '../route-schemas.ts'
import { operationSummaries, operationWithProgress } from './operation-documents.ts'
import { pageMembers, pageOfOperations, readTop, topOption } from './operation-pages.ts'
import { getOperation } from './operation-routes.ts'
import { OperationSummary, OperationWithProgress } from './operation-schemas.ts'

/** Who watches an operation hears of it this often at most. */
const CHANGES_EVERY_MS = 250

interface OperationKey {
  instance: string
  operationId: string
}

/** The state of an operation that somebody watches. */
interface SeenOperation {
  /** Another one for each state. */
  mark: string | undefined
  hasEnded: boolean
  text: string
}

/** Of an operation that was forgotten. */
const GONE: SeenOperation = { mark: undefined, hasEnded: true, text: '' }

const readToken = pageTokenReader(
  Type.Object(
    {
      ...pageMembers,
      status: Type.Optional(Type.Array(Type.Enum([...OPERATION_STATUSES]))),
      kind: Type.Optional(Type.Array(Type.Enum([...OPERATION_KINDS]))),
    },
    { additionalProperties: false },
  ),
)

/** Operations as Aduana itself shows them: of every kind, with their progress. */
export function ownOperationRoutes({ database, log }: { database: Database; log: FastifyBaseLogger }): ApiRoute[] {
  const changes = createLookout<SeenOperation>({
    everyMs: CHANGES_EVERY_MS,
    log,
    async look(key, last) {
      const { instance, operationId } = JSON.parse(key) as OperationKey
      const mark = await markOf(database, { instance, operationId })
      if (mark === last?.mark) return undefined
      const operation = await findOperation(database, instance, operationId)
      if (operation === undefined) return last === GONE ? undefined : GONE
      const hasEnded = operation.status === 'Succeeded' || operation.status === 'Failed'
      return { mark, hasEnded, text: jsonText(await operationWithProgress(database, operation)) }
    },
  })

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
            top: topOption,
          }),
        ),
      ),
      async handle({ instance, query, ...call }) {
        const { after, status, kind, top } = readToken(query.skipToken) ?? {
          after: undefined,
          status: readWords('status', query.status, OPERATION_STATUSES),
          kind: readWords('kind', query.kind, OPERATION_KINDS),
          top: readTop(query.top),
        }
        const { shown, next } = await pageOfOperations(top, (limit) =>
          listOperationsOfKinds(database, {
            instance,
            kinds: kind ?? OPERATION_KINDS,
            ...(status && { statuses: status }),
            after,
            limit,
          }),
        )
        return json({
          value: await operationSummaries(database, shown),
          nextLink: next && nextLink({ ...call, query }, { ...next, status, kind }),
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
    {
      method: 'GET',
      path: '/operations/:operationId/events',
      permission: 'updates/read',
      schema: describe(
        {
          operationId: 'Aduana_WatchOperation',
          summary: 'Follow an operation',
          description:
            'Server-sent events: `event: operation` with the document of Aduana_GetOperation, at once, then at each change, a few times a ' +
            'second at most. The stream ends after the operation has. It also ends when the server stops or the token expires: ask again.',
        },
        events(),
      ),
      async stream(call) {
        const { instance, operationId } = await getOperation(database, call)
        const key: OperationKey = { instance, operationId }
        return (signal) => followOperation(changes.watch(JSON.stringify(key)), signal)
      },
    },
  ]
}

async function* followOperation(
  watch: Watch<SeenOperation>,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent | undefined> {
  using watching = watch
  for (let seen: SeenOperation | undefined; !signal.aborted && seen?.hasEnded !== true; ) {
    const state = await watching.next(seen, { timeoutMs: IDLE_MS, signal })
    if (state !== undefined && state !== GONE) yield { event: 'operation', data: state.text }
    else yield undefined
    seen = state ?? seen
  }
}
