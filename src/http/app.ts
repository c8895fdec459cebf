import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Caller } from '../domain/caller.ts'
import { AppError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { ServiceLimits } from '../domain/service-limits.ts'
import { logIdsOf, traceIdOf } from '../domain/trace-ids.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Database } from '../ports/database.ts'
import type { Metrics, MetricsPage } from '../ports/metrics.ts'
import type { Scanner } from '../ports/scanner.ts'
import type { Tracing } from '../ports/tracing.ts'
import type { Audit } from '../services/audit.ts'
import type { Staging } from '../services/staging/staging.ts'
import { admit, admitAnybody, admitAnywhere, mayStill, type VerifyToken } from './admission/admit.ts'
import { createRateLimiter } from './admission/rate-limits.ts'
import { aduanaRoutes } from './aduana-routes.ts'
import { type ApiRoute, callOf, type RawQuery, send, sendEvents } from './calls/call.ts'
import { createEventStreams, type StreamLimits } from './calls/event-streams.ts'
import { readJsonBody } from './calls/json-body.ts'
import { problemOf, statusOf } from './calls/problems.ts'
import { serveContent } from './content/content.ts'
import type { ShownStore } from './distribution/distribution.ts'
import { DOCUMENTS, DOCUMENTS_V2 } from './documents.ts'
import { serveInstances } from './instances/instances-route.ts'
import { serveHealth } from './monitoring/health.ts'
import { measureRequests } from './monitoring/measure-requests.ts'
import { SUPERVISED_PATHS, serveMetrics } from './monitoring/metrics.ts'
import { traceRequest } from './monitoring/trace-requests.ts'
import { traceparentOf } from './monitoring/traces.ts'
import { describeApi, type Issuer } from './openapi.ts'
import { operationRoutes } from './operations/operation-routes.ts'
import { type RedeemLoginCode, type SignIn, serveLogin, serveSignIn } from './pages/login-route.ts'
import { type BuiltPortal, servePortal } from './pages/portal.ts'
import { stagingRoutes, wrongType } from './staging/staging-routes.ts'
import { OFFSET_OCTETS } from './staging/staging-schemas.ts'
import { updateRoutes } from './updates/update-routes.ts'

export interface AppOptions {
  database: Database
  blobs: BlobStore
  /** Takes in what callers upload. */
  staging: Staging
  /** Tells a worker that there may be something to do. */
  wake: () => void
  limits: ServiceLimits
  /** How many nodes answer requests, this one included: they share the rates. One, unless told. */
  nodes?: () => number
  /** Bounds of event streams, where they differ from the usual ones. */
  streams?: Partial<StreamLimits> | undefined
  /** Whether an address may be told of events without encryption; none, unless told. */
  allowsPlainWebhook?: ((url: URL) => boolean) | undefined
  audit: Audit
  /** The malware scanner, where one is configured. */
  scanner?: Scanner | undefined
  metrics: Metrics
  metricsPage: MetricsPage
  /** Absent where nothing is traced, which costs a request nothing then. */
  tracing?: Tracing | undefined
  /** Whether a request names a host that this server is known by. */
  isExpectedHost: (request: IncomingMessage) => boolean
  verify: VerifyToken
  /** How people get tokens. By the local issuer only, unless told. */
  signIn?: SignIn | undefined
  /** Absent where the local issuer is off. */
  redeemLoginCode: RedeemLoginCode | undefined
  hasInstance: (instance: string) => boolean
  /** Whether the server takes requests that change something; false while it stops. */
  isReady: () => boolean
  publicUrl: string | undefined
  /** The distribution stores that are configured; none, unless told. */
  distribution?: readonly ShownStore[] | undefined
  /** Who gives out tokens, for the description of the API. */
  describeIssuer: () => Issuer
  /** The pages for people; absent where they are not built. */
  portal?: BuiltPortal | undefined
  /** Where a browser that signs somebody in gets tokens, besides here; nowhere, unless told. */
  signInOrigins?: () => readonly string[]
  version: string
  log: FastifyBaseLogger
}

export interface App {
  /** For any number of servers. */
  handler: RequestListener
  /** For a listener that only supervisors reach: health and metrics without a token, under any name, and nothing else. */
  supervisorHandler: RequestListener
  /** Whether the body of a request may come for as long as it does come: an upload of somebody who was let in. */
  mayTakeLong: (request: IncomingMessage) => boolean
  /** Handles a request without a socket, for tests and for the description of the API. */
  fastify: FastifyInstance
  /** Ends the event streams, which would go on for ever, and opens no more. For a server that stops. */
  endStreams(): void
}

/** Builds the REST API. Read from top to bottom, it is the order in which a request goes through. */
export async function createApp(options: AppOptions): Promise<App> {
  const { database, blobs, log, tracing } = options
  let handler: RequestListener = () => {}
  // The framework wants a child of the log for each request, and gets the log itself.
  const sameLog: FastifyBaseLogger = Object.assign(Object.create(log), { child: () => sameLog })
  const app = Fastify({
    loggerInstance: sameLog,
    // Reads come by the thousand; metrics count them, a line for each would only cost.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: LIMITS.requestBodyBytesMax,
    routerOptions: {
      caseSensitive: false,
      ignoreTrailingSlash: true,
      maxParamLength: 512,
      querystringParser: (text): RawQuery & Record<string, unknown> => ({ text }),
    },
    rewriteUrl: (request) => unescapeColon(request.url ?? '/'),
    frameworkErrors: (_error, request, reply) => {
      request.traceparent = traceparentOf(request.headers.traceparent)
      // No hook is called for these.
      options.metrics.requestAnswered({ route: '', method: request.method, status: 400, dialect: '', seconds: 0 })
      fail(new AppError('InvalidRequest', 'The path is not a valid URL.'), request, reply as FastifyReply)
    },
    serverFactory(listener) {
      handler = listener as RequestListener
      return createServer(listener)
    },
  })
  // Documents are checked by the handlers and written as text: parts of them must stay as they are, to the letter.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    /^(application|text)\/([\w.+-]+\+)?json\b/i,
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => readJsonBody(body),
  )

  const supervised = new WeakSet<IncomingMessage>()
  app.decorateRequest('traceparent', '')
  app.decorateRequest('caller')
  app.decorateRequest('span')
  measureRequests(app, options.metrics)
  app.addHook('onRequest', (request, reply, done) => {
    request.traceparent = traceparentOf(request.headers.traceparent)
    if (tracing !== undefined) traceRequest(request, reply, tracing)
    reply.header('traceparent', request.traceparent)
    if (supervised.has(request.raw)) {
      const isOffered = SUPERVISED_PATHS.has(request.routeOptions.url)
      done(isOffered ? undefined : new AppError('NotFound', 'This listener has health and metrics only.'))
    } else if (options.isExpectedHost(request.raw)) done()
    else
      done(
        new AppError(
          'UnexpectedHost',
          'Over plain http this server answers under addresses, localhost and the host of --public-url only.',
        ),
      )
  })
  app.setErrorHandler((error: FastifyError | AppError, request, reply) => {
    const appError = asAppError(error)
    // A stopping server need not wait for the rest of an upload.
    if (appError.code === 'Unavailable' && !request.raw.complete) reply.header('connection', 'close')
    if (statusOf(appError.code) === 500) {
      log.error({ err: error, ...logIdsOf(traceIdOf(request.traceparent), request.span) }, 'request failed')
    }
    return fail(appError, request, reply)
  })
  app.setNotFoundHandler((request, reply) =>
    fail(new AppError('NotFound', `There is no ${request.method} at this path.`), request, reply),
  )

  await describeApi(app, options)
  serveHealth(app, options)
  serveContent(app, { database, blobs })
  serveLogin(app, options)
  serveSignIn(app, options.signIn ?? { localIssuer: true })
  const streams = createEventStreams(options.streams)
  servePortal(app, { portal: options.portal, signInOrigins: options.signInOrigins ?? (() => []) })
  const gate = { ...options, rates: createRateLimiter(options.limits, { nodes: options.nodes }) }
  serveInstances(app, { database, scanner: options.scanner, identify: (request) => admitAnybody(request, gate) })
  serveMetrics(app, {
    page: options.metricsPage,
    async admit(request) {
      if (!supervised.has(request.raw)) await admitAnywhere(request, 'updates/read', gate)
    },
  })
  const mount = (
    base: string,
    routes: readonly ApiRoute[],
    tag: string,
    { isV2Path = false, scope = app }: { isV2Path?: boolean; scope?: FastifyInstance } = {},
  ) => {
    for (const { method, path, permission, rateGroup = 'requests', headers, schema, ...route } of routes) {
      scope.route({
        method,
        url: base + path,
        schema: { ...schema, tags: [tag] },
        // The description leaves out those that only stand beside a GET.
        config: { swagger: { exposeHeadRoute: method === 'HEAD' } },
        onRequest(request, reply, done) {
          if (headers !== undefined) reply.headers(headers)
          const enter = (caller: Caller) => {
            request.caller = caller
            const isLate = !READING.has(method) && !options.isReady()
            done(isLate ? new AppError('Unavailable', 'The server is stopping.') : undefined)
          }
          try {
            const admitted = admit(request, { permission, rateGroup }, gate)
            if (admitted instanceof Promise) admitted.then(enter, done)
            else enter(admitted)
          } catch (error) {
            done(error as Error)
          }
        },
        handler(request, reply) {
          const call = callOf(request, { isV2Path })
          request.dialect = call.dialect.name
          if ('handle' in route) {
            const { span } = request
            const answering = span === undefined ? route.handle(call) : span.run(() => route.handle(call))
            return answering.then((answer) => send(reply, answer))
          }
          const isStillAllowed = () => mayStill(request, permission, gate)
          return route
            .stream(call)
            .then((feed) =>
              sendEvents(request, reply, () => streams.open(feed, { caller: call.caller, isStillAllowed })),
            )
        },
      })
    }
  }
  mount(
    '/deviceUpdate/:instanceId',
    [...updateRoutes(options, DOCUMENTS), ...operationRoutes(options, DOCUMENTS)],
    'Updates',
  )
  mount(
    '/deviceUpdate/:instanceId/v2',
    [...updateRoutes(options, DOCUMENTS_V2), ...operationRoutes(options, DOCUMENTS_V2)],
    'Updates (v2, 2020-09-01)',
    { isV2Path: true },
  )
  mount('/aduana/v1/:instanceId', aduanaRoutes(options), 'Aduana')
  const longBodies = new WeakSet<IncomingMessage>()
  await app.register(async (scope) => {
    // The bytes themselves, for as long as they come.
    scope.addContentTypeParser(OFFSET_OCTETS, (request, body, done) => {
      longBodies.add(request.raw)
      done(null, body)
    })
    scope.addContentTypeParser('*', (_request, _body, done) => done(wrongType()))
    scope.addHook('onResponse', async (request) => {
      longBodies.delete(request.raw)
    })
    mount('/aduana/v1/:instanceId', stagingRoutes(options.staging), 'Aduana', { scope })
  })
  for (const base of ['/deviceUpdate/:instanceId', '/deviceUpdate/:instanceId/v2']) {
    app.all(`${base}/management/*`, { schema: { hide: true } as object }, async () => {
      throw new AppError('NotImplemented', 'Aduana does not have the device management API yet, only the import API.')
    })
  }
  await app.ready()
  return {
    handler,
    supervisorHandler(request, response) {
      supervised.add(request)
      handler(request, response)
    },
    mayTakeLong: (request) => longBodies.has(request),
    fastify: app,
    endStreams: streams.close,
  }
}

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

function fail(error: AppError, { traceparent, span }: FastifyRequest, reply: FastifyReply) {
  const { status, headers, body } = problemOf(error, traceparent)
  // What a caller did wrong is no failure of the server (OpenTelemetry semantic conventions for HTTP).
  if (status >= 500) span?.fail(error)
  else span?.set({ 'error.type': error.code })
  return reply.code(status).headers(headers).send(body)
}

/** What the framework itself refuses, in our words. */
function asAppError(error: FastifyError | AppError): AppError {
  if (error instanceof AppError) return error
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('UnsupportedMediaType', 'The body must be sent with Content-Type: application/json.')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('RequestTooLarge', `The body has more than ${LIMITS.requestBodyBytesMax} bytes.`)
    default:
      // What the pages of the description are served with says "Forbidden" of a name that is too long or leads elsewhere.
      if (error.statusCode === 403 || error.statusCode === 404) {
        return new AppError('NotFound', 'There is nothing at this path.')
      }
      if (error.statusCode !== undefined && error.statusCode < 500) return new AppError('InvalidRequest', error.message)
      return new AppError('InternalError', 'Aduana made a mistake; its log has the details under this trace id.')
  }
}

/** Some clients escape the colon of `updates:import`. The router would not find it. */
function unescapeColon(url: string): string {
  if (!url.includes('%3')) return url
  const [path = '', ...query] = url.split('?')
  return [path.replaceAll(/%3a/gi, ':'), ...query].join('?')
}
