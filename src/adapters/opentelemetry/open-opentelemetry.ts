import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span as SdkSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { traceIdOf } from '../../domain/trace-ids.ts'
import type { Log } from '../../ports/log.ts'
import type { NewSpan, OpenSpan, Tracing } from '../../ports/tracing.ts'
import { errorCodesOf } from './error-codes-of.ts'
import { tellingExporter } from './telling-exporter.ts'

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER }

/** What a stopping server gives a collector to take the last spans. */
const FLUSH_MS = 3000

/**
 * Sends spans to a collector by OTLP over http. Where, how often and which ones the SDK reads from the standard `OTEL_…` variables. Spans
 * are kept in memory, so many at most, and sent in the background: a collector that is slow or away costs spans and nothing else, and
 * the log tells of it once.
 *
 * Nothing of the SDK is registered for the whole process: what is traced is what this server says, and no library adds to it.
 */
export function openOpenTelemetry({
  version,
  node,
  collector,
  log,
}: {
  version: string
  /** The name of the node among those that share a database. */
  node: string | undefined
  /** The origin of the collector, for the log. */
  collector: string
  log: Pick<Log, 'info' | 'warn'>
}): { tracing: Tracing; close(): Promise<void> } {
  tellOnce(log)
  const own = resourceFromAttributes({
    'service.name': 'aduana',
    'service.version': version,
    ...(node !== undefined && { 'service.instance.id': node }),
  })
  const resource = defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }))
  const exporter = tellingExporter(new OTLPTraceExporter(), { collector, log })
  const provider = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] })
  const tracer = provider.getTracer('aduana', version)
  const around = new AsyncLocalStorage<Context>()

  function begin({ name, kind, attributes = {}, parent }: NewSpan): OpenSpan {
    const context =
      parent === undefined
        ? (around.getStore() ?? ROOT_CONTEXT)
        : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent))
    const options = { attributes, ...(kind && { kind: KINDS[kind] }) }
    const span = tracer.startSpan(name, options, context)
    return openSpanOf(span, (work) => around.run(trace.setSpan(context, span), work))
  }

  const tracing: Tracing = {
    async inSpan(newSpan, work) {
      const span = begin(newSpan)
      try {
        const result = await span.run(() => work(span))
        span.end()
        return result
      } catch (error) {
        span.end({ error })
        throw error
      }
    },
    begin,
  }
  return {
    tracing,
    async close() {
      const stopping = new AbortController()
      // What goes wrong here the exporter has told.
      const flushed = provider.shutdown().catch(() => {})
      await Promise.race([flushed, sleep(FLUSH_MS, undefined, stopping).catch(() => {})])
      stopping.abort()
    },
  }
}

function openSpanOf(span: SdkSpan, run: OpenSpan['run']): OpenSpan {
  const { traceId, spanId, traceFlags } = span.spanContext()
  function fail(error: unknown): void {
    const { outer, innermost } = errorCodesOf(error)
    span.setAttribute('error.type', outer)
    if (innermost !== outer) span.setAttribute('aduana.error.innermost', innermost)
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  return {
    traceparent: `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`,
    run,
    set: (attributes) => void span.setAttributes(attributes),
    fail,
    end(failure) {
      if (failure !== undefined) fail(failure.error)
      span.end()
    },
  }
}

function spanContextOf(traceparent: string): SpanContext {
  const isSampled = (Number.parseInt(traceparent.slice(53), 16) & TraceFlags.SAMPLED) !== 0
  return {
    traceId: traceIdOf(traceparent),
    spanId: traceparent.slice(36, 52),
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  }
}

/** What the SDK has to say, such as about its variables, goes into the log: each thing once, whatever the numbers in it. */
function tellOnce(log: Pick<Log, 'warn'>): void {
  const told = new Set<string>()
  const tell = (message: string) => {
    const gist = message.replaceAll(/\d+/g, 'N').slice(0, 100)
    if (told.has(gist) || told.size === TOLD_MAX) return
    told.add(gist)
    log.warn({ reason: message.slice(0, REASON_LENGTH_MAX) }, 'OpenTelemetry')
  }
  const nothing = () => {}
  diag.setLogger(
    { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}

const TOLD_MAX = 20
const REASON_LENGTH_MAX = 500
