import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import type { Permission } from '../../domain/permissions.ts'
import type { RateGroup } from '../admission/rate-limits.ts'
import { chooseDialect } from '../dialects/choose.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { EventFeed } from './event-streams.ts'

/** What a handler of the API gets: nothing of it depends on the HTTP framework. */
export interface Call {
  instance: string
  dialect: Dialect
  params: Readonly<Record<string, string>>
  query: Readonly<Query>
  /** What the parser of its media type made of it: JSON, or a stream. */
  body: unknown
  /** A header of the request, by its name in any letter case. */
  header: (name: string) => string | undefined
  ifNoneMatch: string | undefined
  caller: Caller
  /** Scheme, host and port that the caller used, such as `https://127.0.0.1:8443`. */
  origin: () => string
  /** The path that the caller asked for, with the query. */
  url: string
}

/** Query options under their plain names: `$filter` and `filter` are the same. */
export interface Query {
  action?: string
  apiVersion?: string
  deep?: string
  filter?: string
  kind?: string
  operation?: string
  search?: string
  status?: string
  target?: string
  top?: string
  skipToken?: string
}

export interface Answer {
  status: number
  headers?: Readonly<Record<string, string>>
  /** JSON text; absent for an answer without a body. */
  body?: string
}

/** One row of the table of routes. */
export type ApiRoute = {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  path: string
  permission: Permission
  /** Which rate it counts against; `requests` unless told. */
  rateGroup?: RateGroup
  /** Sent with every answer, refusals too. */
  headers?: Readonly<Record<string, string>>
  schema: FastifySchema
} & ({ handle: (call: Call) => Promise<Answer> } | { stream: (call: Call) => Promise<EventFeed> })

const QUERY_NAMES: ReadonlyMap<string, keyof Query> = new Map([
  ['action', 'action'],
  ['api-version', 'apiVersion'],
  ['deep', 'deep'],
  ['filter', 'filter'],
  ['kind', 'kind'],
  ['operation', 'operation'],
  ['search', 'search'],
  ['status', 'status'],
  ['target', 'target'],
  ['top', 'top'],
  ['skiptoken', 'skipToken'],
])

/** Reads the query: names in any letter case, with or without `$`. Options that are not known are ignored. */
export function readQuery(text: string): Readonly<Query> {
  let query = queries.get(text)
  if (query === undefined) {
    query = parseQuery(text)
    if (queries.size === REMEMBERED_QUERIES_MAX) queries.clear()
    if (text.length <= REMEMBERED_LENGTH_MAX) queries.set(text, query)
  }
  return query
}

/** Most requests have the same few. */
const queries = new Map<string, Readonly<Query>>()
const REMEMBERED_QUERIES_MAX = 100
const REMEMBERED_LENGTH_MAX = 100

function parseQuery(text: string): Query {
  const query: Query = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const known = QUERY_NAMES.get(name.toLowerCase().replace(/^\$/, ''))
    if (known === undefined) continue
    if (query[known] !== undefined) {
      throw new AppError('InvalidRequest', `The query option ${name} stands twice.`, { target: name })
    }
    query[known] = value
  }
  return query
}

/** The query as the router hands it on, unread. */
export interface RawQuery {
  text: string
}

/** Makes the call that a request stands for. The caller must have been authenticated before. */
export function callOf(request: FastifyRequest, { isV2Path }: { isV2Path: boolean }): Call {
  const query = readQuery((request.query as RawQuery).text)
  const params = request.params as Record<string, string>
  return {
    instance: params.instanceId ?? '',
    dialect: chooseDialect(isV2Path, query.apiVersion),
    params,
    query,
    body: request.body,
    ifNoneMatch: request.headers['if-none-match'],
    caller: request.caller,
    header: (name) => request.headers[name.toLowerCase()]?.toString(),
    // Functions, since an object with getters of its own would keep the request in memory until a full collection.
    origin: () => `${request.protocol}://${request.host}`,
    url: request.url,
  }
}

/** Sends events for as long as there are any. Nothing on the way shall keep or gather them. */
export function sendEvents(request: FastifyRequest, reply: FastifyReply, open: () => Readable): FastifyReply {
  request.secondsToAnswer = reply.elapsedTime / 1000
  reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  // HEAD comes here too. What is returned keeps the framework from sending anything else before the first event.
  return reply.send(request.method === 'GET' ? open() : '')
}

/** Sends an answer as it is. */
export function send(reply: FastifyReply, { status, headers, body }: Answer): void {
  reply.code(status)
  if (headers) reply.headers(headers)
  if (body !== undefined) reply.header('content-type', 'application/json; charset=utf-8')
  reply.send(body)
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the authentication hook; the health and content routes have none. */
    caller: Caller
    /** The trace that the request belongs to (W3C Trace Context). */
    traceparent: string
  }
}
