import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from './operation-end.ts'

/** A span as a collector gets it. */
export interface ReceivedSpan {
  name: string
  traceId: string
  spanId: string
  /** Empty for the root of a trace. */
  parentSpanId: string
  /** 1 internal, 2 server, 3 client, 5 consumer (OTLP). */
  kind: number
  attributes: Record<string, string | number | boolean>
  hasFailed: boolean
  /** What sent it. */
  resource: Record<string, string | number | boolean>
}

/** A collector that takes OTLP over http, as JSON. */
export interface OtlpReceiver extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string
  port: number
  spans: readonly ReceivedSpan[]
  /** The headers of the last request. */
  headers(): Record<string, unknown>
  /** Everything that came, as it came. */
  bytes(): Buffer
  /** From now on takes no answer out of its mouth, or takes everything again. */
  stall(isStalling: boolean): void
  /** The spans of a trace, once one of each of these names has come. */
  trace(traceId: string, ...names: string[]): Promise<ReceivedSpan[]>
}

interface Encoded {
  resourceSpans: {
    resource: { attributes: EncodedAttribute[] }
    scopeSpans: {
      spans: {
        name: string
        traceId: string
        spanId: string
        parentSpanId?: string
        kind: number
        attributes: EncodedAttribute[]
        status: { code?: number }
      }[]
    }[]
  }[]
}

interface EncodedAttribute {
  key: string
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number; boolValue?: boolean }
}

const STATUS_ERROR = 2

export async function startOtlpReceiver({ port = 0 }: { port?: number } = {}): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const chunks: Buffer[] = []
  let headers: Record<string, unknown> = {}
  let isStalling = false
  const stalled: ServerResponse[] = []

  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    headers = request.headers
    chunks.push(Buffer.from(JSON.stringify(request.headers)), body)
    if (isStalling) return void stalled.push(response)
    if (request.url !== '/v1/traces') return void response.writeHead(404).end()
    spans.push(...decode(JSON.parse(body.toString())))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo

  const ofTrace = (traceId: string) => spans.filter((span) => span.traceId === traceId)
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    spans,
    headers: () => headers,
    bytes: () => Buffer.concat(chunks),
    stall(isIt) {
      isStalling = isIt
    },
    async trace(traceId, ...names) {
      const missing = () => names.filter((name) => !ofTrace(traceId).some((span) => span.name === name))
      await eventually('the spans of the trace', () => missing().length === 0, 20_000).catch((error) => {
        const come = ofTrace(traceId).map(({ name }) => name)
        throw new Error(`${missing()} did not come, but ${come}`, { cause: error })
      })
      return ofTrace(traceId)
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function decode({ resourceSpans }: Encoded): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId = '', kind, attributes, status }) => ({
        name,
        traceId,
        spanId,
        parentSpanId,
        kind,
        attributes: valuesOf(attributes),
        hasFailed: status.code === STATUS_ERROR,
        resource: valuesOf(resource.attributes),
      })),
    ),
  )
}

function valuesOf(attributes: EncodedAttribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const { stringValue, intValue, doubleValue, boolValue } = value
      return [key, stringValue ?? boolValue ?? Number(intValue ?? doubleValue)]
    }),
  )
}

/** The names of a trace as a tree, each with two blanks more than its parent; siblings in the order of their names. */
export function treeOf(spans: readonly ReceivedSpan[], rootParent: string): string[] {
  const under = (parent: string, depth: number): string[] =>
    spans
      .filter((span) => span.parentSpanId === parent)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((span) => ['  '.repeat(depth) + span.name, ...under(span.spanId, depth + 1)])
  return under(rootParent, 0)
}
