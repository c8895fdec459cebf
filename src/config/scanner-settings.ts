import { parseClamdAddress } from '../adapters/clamd/clamd-address.ts'
import { CLAMD_SCAN_BYTES_MAX } from '../adapters/clamd/clamd-limits.ts'
import type { ScanMode } from '../services/scanning/scan-policy.ts'
import type { Setting } from './read-settings.ts'

/** Who looks for malware, and how much depends on it. */
export const SCANNER_SETTINGS = {
  scanner: {
    placeholder: 'URL',
    description:
      'malware scanner: clamd://HOST:PORT or clamd:///PATH of its Unix socket (default: none, and every update says NotScanned)',
    parse: parseClamdAddress,
  },
  scan: {
    placeholder: 'MODE',
    description:
      'what to do with files that could not be scanned: required refuses them, best-effort takes them, off scans nothing',
    default: 'required',
    parse: parseScanMode,
  },
  'scan-max': {
    placeholder: 'BYTES',
    description: 'largest file that the scanner is tested with after start',
    default: String(CLAMD_SCAN_BYTES_MAX),
    parse: parseScanMax,
  },
} satisfies Record<string, Setting<unknown>>

function parseScanMode(text: string): ScanMode | 'off' {
  if (text !== 'required' && text !== 'best-effort' && text !== 'off') {
    throw new Error(`${text} is not one of required, best-effort, off.`)
  }
  return text
}

function parseScanMax(text: string): number {
  const bytes = Number(text)
  if (!/^\d{1,12}$/.test(text) || bytes < 1_048_576) throw new Error(`${text} is not a number of bytes from 1048576.`)
  return bytes
}
