import { isIP } from 'node:net'
import type { Logger } from 'pino'
import { openClamdScanner } from '../adapters/clamd/scanner-clamd.ts'
import { measuredScanner } from '../adapters/prometheus/measured.ts'
import type { createOwnEndpoints } from '../adapters/source/own-endpoints.ts'
import type { ServeConfig } from '../config/serve-settings.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { ScanPolicy } from '../services/scan-policy.ts'

/** The scanner and what it decides. Its address is never fetched from. */
export function openScan(
  config: ServeConfig,
  { own, metrics, log }: { own: ReturnType<typeof createOwnEndpoints>; metrics: Metrics; log: Logger },
): ScanPolicy {
  const { scanner: address, scan: mode, 'scan-max': scanMaxBytes } = config
  if (address === undefined || mode === 'off') return { mode: 'best-effort' }
  if ('host' in address) own.add({ ...(isIP(address.host) !== 0 && { address: address.host }), port: address.port })
  const scanner = openClamdScanner({
    address,
    scanMaxBytes,
    onStatus: (status) => log.info({ ...status }, 'malware scanner'),
  })
  return { scanner: measuredScanner(scanner, metrics), mode }
}
