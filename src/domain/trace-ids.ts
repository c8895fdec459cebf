/** The 32 hex digits of the trace that a `traceparent` (W3C Trace Context) belongs to. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35)
}

/** How a line of the log says which trace it belongs to (OpenTelemetry, trace context in non-OTLP log formats). */
export interface LogIds {
  /** 32 hex digits. */
  trace_id: string
  /** 16 hex digits; absent where nothing is traced. */
  span_id?: string
}

export function logIdsOf(traceId: string, span?: { readonly traceparent: string | undefined }): LogIds {
  return {
    trace_id: traceId,
    ...(span?.traceparent !== undefined && { span_id: span.traceparent.slice(36, 52) }),
  }
}
