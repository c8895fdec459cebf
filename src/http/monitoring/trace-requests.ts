import type { FastifyReply, FastifyRequest } from 'fastify'
import type { OpenSpan, Tracing } from '../../ports/tracing.ts'
import { SUPERVISED_PATHS } from './metrics.ts'

/** Longer ones are no instances. */
const INSTANCE_LENGTH_MAX = 64

/**
 * Begins the span of a request, a part of what its caller traces, which ends with the answer (OpenTelemetry semantic conventions for HTTP
 * servers). Where the caller traces nothing, the request is given the trace that begins here. What supervisors ask every few seconds is
 * not traced.
 */
export function traceRequest(request: FastifyRequest, reply: FastifyReply, tracing: Tracing): void {
  const { url } = request.routeOptions
  if (SUPERVISED_PATHS.has(url)) return
  const route = url && templateOf(url)
  const isCallers = request.headers.traceparent === request.traceparent
  const { instanceId: instance } = (request.params ?? {}) as { instanceId?: string }
  const span = tracing.begin({
    name: route === undefined ? request.method : `${request.method} ${route}`,
    kind: 'server',
    attributes: {
      'http.request.method': request.method,
      'url.scheme': request.protocol,
      ...(route !== undefined && { 'http.route': route }),
      // Other paths are not told: that of content is all that a device needs to download it, and one that leads nowhere may be anything.
      ...(instance !== undefined && {
        'url.path': pathOf(request.url),
        'aduana.instance': instance.slice(0, INSTANCE_LENGTH_MAX),
      }),
    },
    ...(isCallers && { parent: request.traceparent }),
  })
  if (!isCallers && span.traceparent !== undefined) request.traceparent = span.traceparent
  request.span = span
  // A client that goes away ends no answer, but closes it.
  reply.raw.once('close', () => {
    span.set({ 'http.response.status_code': reply.statusCode })
    if (!reply.raw.writableFinished) span.set({ 'aduana.response.is_complete': false })
    span.end()
  })
}

/** The path as the description of the API has it: `/updates/{name}:verb` for the router's `/updates/:name::verb`. */
function templateOf(url: string): string {
  let template = templates.get(url)
  if (template === undefined) {
    template = url.replaceAll(/::|:(\w+)/g, (_found, name: string | undefined) => (name ? `{${name}}` : ':'))
    templates.set(url, template)
  }
  return template
}

/** As many as there are routes. */
const templates = new Map<string, string>()

/** Without the query, also where somebody has escaped its question mark. */
function pathOf(url: string): string {
  return url.replace(/(\?|%3f).*$/is, '')
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Where requests are traced. */
    span: OpenSpan | undefined
  }
}
