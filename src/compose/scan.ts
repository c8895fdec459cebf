import { isIP } from 'node:net'
import type { Logger } from 'pino'
import { openClamdScanner } from '../adapters/clamd/scanner-clamd.ts'
import { tracedScanner } from '../adapters/opentelemetry/traced.ts'
import { measuredScanner } from '../adapters/prometheus/measured.ts'
import type { OwnEndpoints } from '../adapters/source/own-endpoints.ts'
import type { ServeConfig } from '../config/serve-settings.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Tracing } from '../ports/tracing.ts'
import type { ScanPolicy } from '../services/scanning/scan-policy.ts'

/** The scanner and what it decides. Its address is never fetched from. */
export function openScan(
  config: ServeConfig,
  {
    own,
    metrics,
    tracing,
    log,
  }: {
    own: OwnEndpoints
    metrics: Metrics
    tracing: Tracing | undefined
    log: Logger
  },
): ScanPolicy {
  const { scanner: address, scan: mode, 'scan-max': scanMaxBytes } = config
  if (address === undefined || mode === 'off') return { mode: 'best-effort' }
  if ('host' in address) own.add({ ...(isIP(address.host) !== 0 && { address: address.host }), port: address.port })
  const scanner = openClamdScanner({
    address,
    scanMaxBytes,
    onStatus: (status) => log.info({ ...status }, 'malware scanner'),
  })
  return { scanner: tracedScanner(measuredScanner(scanner, metrics), tracing), mode }
}
