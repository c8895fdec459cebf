import { isIP } from 'node:net'
import type { Logger } from 'pino'
import type { OwnEndpoints } from '../adapters/source/own-endpoints.ts'
import { readTraceSettings } from '../config/trace-settings.ts'
import type { Tracing } from '../ports/tracing.ts'
import { VERSION } from '../version.ts'

/** Where the environment names a collector, what sends traces to it. Its address is never fetched from. */
export async function openTracing({
  node,
  own,
  log,
}: {
  node: string | undefined
  own: OwnEndpoints
  log: Logger
}): Promise<{ tracing: Tracing; close(): Promise<void> } | undefined> {
  const settings = readTraceSettings(process.env)
  if (settings === undefined) return undefined
  const { collector } = settings
  const { hostname, port, protocol } = new URL(collector)
  const address = hostname.replace(/^\[|\]$/g, '')
  own.add({
    ...(isIP(address) !== 0 && { address }),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  })
  // Loaded only where it is wanted.
  const { openOpenTelemetry } = await import('../adapters/opentelemetry/open-opentelemetry.ts')
  const opened = openOpenTelemetry({ version: VERSION, node, collector, log })
  log.info({ collector }, 'traces are sent to a collector')
  return opened
}
