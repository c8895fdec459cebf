/** Where traces are sent. */
export interface TraceSettings {
  /** The origin of the collector, such as `http://127.0.0.1:4318`: without a user, path or query, fit for a log. */
  collector: string
}

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'] as const
const PROTOCOL = 'http/json'

/**
 * Whether anything is traced, by the standard variables of OpenTelemetry. They are not Aduana's, so those that mean nothing here are no
 * mistake; the SDK reads the others itself. Throws an `Error` with a sentence where traces are wanted in a way that would lose them all.
 */
export function readTraceSettings(
  environment: Readonly<Record<string, string | undefined>>,
): TraceSettings | undefined {
  const isOff =
    environment.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true' ||
    environment.OTEL_TRACES_EXPORTER?.trim() === 'none'
  const name = ENDPOINTS.find((variable) => isSet(environment[variable]))
  if (isOff || name === undefined) return undefined

  const url = URL.parse(environment[name]?.trim() ?? '')
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(`${name}: is not an http or https URL of a collector, such as http://127.0.0.1:4318.`)
  }
  const protocol = PROTOCOLS.find((variable) => isSet(environment[variable]))
  if (protocol !== undefined && environment[protocol]?.trim() !== PROTOCOL) {
    throw new Error(`${protocol}: Aduana sends traces as ${PROTOCOL} only, which collectors take at port 4318.`)
  }
  return { collector: url.origin }
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== ''
}
