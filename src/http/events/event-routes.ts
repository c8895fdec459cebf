import type { FastifyBaseLogger } from 'fastify'
import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import { cloudEventOf, EVENT_TYPES, type Event } from '../../domain/event.ts'
import { jsonText } from '../../domain/json-text.ts'
import type { Database } from '../../ports/database.ts'
import { type InstanceNews, type ShownOperation, watchInstances } from '../../services/events/instance-news.ts'
import type { Watch } from '../../services/events/lookout.ts'
import { findEventNumber, findNewestEvent, listEvents } from '../../store/events/events.ts'
import type { ApiRoute } from '../calls/call.ts'
import { IDLE_MS, type ServerEvent } from '../calls/event-streams.ts'
import { operationSummaries } from '../operations/operation-documents.ts'
import { describe, events } from '../route-schemas.ts'

/** Before the first event of an instance. */
const BEGINNING = '0'

/** Events that are read at once for who is behind. */
const PAGE = 200

const ID_LENGTH_MAX = 200

/** Where a stream begins, and what it says of that first. */
interface Begin {
  cursor: number
  first: ServerEvent | undefined
}

/** Everything that happens in an instance, as it happens. */
export function eventRoutes({ database, log }: { database: Database; log: FastifyBaseLogger }): ApiRoute[] {
  const instances = watchInstances({
    database,
    log,
    describe: async (operations) => (await operationSummaries(database, operations)).map(jsonText),
  })

  async function beginOf(instance: string, lastEventId: string | undefined): Promise<Begin> {
    if (lastEventId === BEGINNING) return { cursor: 0, first: undefined }
    if (lastEventId !== undefined) {
      const cursor = await findEventNumber(database, instance, lastEventId)
      if (cursor !== undefined) return { cursor, first: undefined }
    }
    const { id = BEGINNING, number: cursor = 0 } = (await findNewestEvent(database, instance)) ?? {}
    return { cursor, first: { event: lastEventId === undefined ? 'begin' : 'reset', id, data: '{}' } }
  }

  return [
    {
      method: 'GET',
      path: '/events',
      permission: 'updates/read',
      schema: describe(
        {
          operationId: 'Aduana_WatchEvents',
          summary: 'Follow everything that happens in an instance',
          description:
            `Server-sent events. What has happened (${EVENT_TYPES.join(', ')}) is told as CloudEvents 1.0 under its type, with an \`id\`, ` +
            'in its order, at least once; send the last id as `Last-Event-ID` to go on behind it, `0` for all that is kept. `begin` and `reset` ' +
            'tell the id to go on from where none was sent, or one that is not kept any more: after `reset`, list what you need anew. ' +
            '`event: operation`, without an id, shows operations as they go, in the form of Aduana_ListOperations.',
        },
        {
          headers: Type.Object({
            'Last-Event-ID': Type.Optional(
              Type.String({ maxLength: ID_LENGTH_MAX, description: 'The id of the event that was read last.' }),
            ),
          }),
          ...events(),
        },
      ),
      async stream({ instance, header }) {
        const lastEventId = header('last-event-id')
        if (lastEventId !== undefined && lastEventId.length > ID_LENGTH_MAX) {
          throw new AppError('InvalidRequest', `Last-Event-ID has more than ${ID_LENGTH_MAX} characters.`, {
            target: 'Last-Event-ID',
          })
        }
        const begin = await beginOf(instance, lastEventId)
        return (signal) => followInstance(begin, { instance, database, watch: instances.watch(instance), signal })
      },
    },
  ]
}

/**
 * Tells events from a number on, and operations as they go. Of operations only the newest states are told; events are
 * told one and all, read again from the database for who is behind, so that nothing is kept for anybody.
 */
async function* followInstance(
  { cursor: begin, first }: Begin,
  {
    instance,
    database,
    watch,
    signal,
  }: { instance: string; database: Database; watch: Watch<InstanceNews>; signal: AbortSignal },
): AsyncGenerator<ServerEvent | undefined> {
  using watching = watch
  if (first !== undefined) yield first
  let cursor = begin
  let seen: InstanceNews | undefined
  let told: ReadonlyMap<string, ShownOperation> | undefined
  while (!signal.aborted) {
    const news = await watching.next(seen, { timeoutMs: IDLE_MS, signal })
    if (news === undefined) {
      yield undefined
      continue
    }
    while (cursor < news.newest && !signal.aborted) {
      const next: readonly Event[] =
        cursor >= news.after
          ? news.events.filter(({ number }) => number > cursor)
          : await listEvents(database, { instance, after: cursor, limit: PAGE })
      for (const event of next) {
        yield { event: event.type, id: event.id, data: jsonText(cloudEventOf(event)) }
        cursor = event.number
      }
      if (next.length === 0) break
    }
    for (const [operationId, { text, isOver }] of news.operations) {
      // Whoever comes later need not hear of what was over before.
      if (told === undefined ? isOver : told.get(operationId)?.text === text) continue
      yield { event: 'operation', data: text }
    }
    told = news.operations
    seen = news
  }
}
