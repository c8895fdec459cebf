import { AppError } from '../../domain/errors.ts'
import type { Infected, NotScanned, Verdict } from '../../domain/verdict.ts'
import type { Scanner } from '../../ports/scanner.ts'

/** What happens to a file that could not be scanned: `required` refuses it, `best-effort` takes it and says so. */
export type ScanMode = 'required' | 'best-effort'

export interface ScanPolicy {
  /** Absent: nothing is scanned, and every verdict says so. */
  scanner?: Scanner | undefined
  mode: ScanMode
  /** Pauses before a scan that may yet succeed is tried again, in milliseconds. */
  pausesMs?: readonly number[]
}

/** A scanner that restarts is back within half a minute; one that is not is worth an error that says so. */
export const SCAN_PAUSES_MS: readonly number[] = [1000, 4000, 10_000, 15_000]

export const NO_SCANNER: NotScanned = {
  kind: 'NotScanned',
  reason: 'No malware scanner is configured.',
  mayRecover: false,
}

/**
 * Lets a verdict pass or refuses the file. Malware is always refused: `AppError('SourceFileMalwareDetected')`. What was not scanned is
 * refused where scanning is required: `AppError('SourceFileNotScanned')`.
 */
export function enforce(
  verdict: Verdict,
  { title, sha256Base64 }: { title: string; sha256Base64: string },
  { scanner, mode }: ScanPolicy,
): void {
  if (verdict.kind === 'Infected') throw malwareDetected(verdict, { title, sha256Base64 })
  if (verdict.kind === 'NotScanned' && scanner !== undefined && mode === 'required') {
    throw new AppError('SourceFileNotScanned', `${title} was not scanned for malware: ${verdict.reason}`, {
      mayRecover: verdict.mayRecover,
    })
  }
}

export function malwareDetected(
  { name }: Infected,
  { title, sha256Base64 }: { title: string; sha256Base64: string },
): AppError {
  return new AppError(
    'SourceFileMalwareDetected',
    `A known malware signature was detected in a file being imported: ${title} contains ${name} (SHA-256 ${sha256Base64}).`,
  )
}
