/** What is known about malware in a file; as it stands on the wire. Never silently clean. */
export type ScanResult = 'Success' | 'Infected' | 'NotScanned'

/** Nothing was found, by a scanner that was shown to look into files of this size. */
export interface Clean {
  kind: 'Clean'
  /** The scanner and its signatures that were in force, such as `ClamAV 1.4.6/27500/Mon Nov 16 09:25:01 2026`. */
  signatures: string
  /** Full sentences about what the scanner would have kept silent about. */
  caveats: readonly string[]
}

export interface Infected {
  kind: 'Infected'
  /** The scanner's name for what it found. */
  name: string
  signatures: string
}

export interface NotScanned {
  kind: 'NotScanned'
  /** Full sentences: why, and what would help. */
  reason: string
  /** True where a later try may succeed without anybody's action; false where a limit or the file itself is the reason. */
  mayRecover: boolean
}

export type Verdict = Clean | Infected | NotScanned

/** The verdict as it stands on the wire. The details say on what it rests, and what it leaves open. */
export function wireVerdict(verdict: Verdict): { scanResult: ScanResult; scanDetails: string } {
  switch (verdict.kind) {
    case 'Clean':
      return {
        scanResult: 'Success',
        scanDetails: [`${verdict.signatures} found nothing.`, ...verdict.caveats].join(' '),
      }
    case 'Infected':
      return { scanResult: 'Infected', scanDetails: `${verdict.signatures} found ${verdict.name}.` }
    case 'NotScanned':
      return { scanResult: 'NotScanned', scanDetails: verdict.reason }
  }
}

/** The verdict over a whole update: the worst of its files'. Where there is no file, nothing was scanned. */
export function worstOf(results: readonly ScanResult[]): ScanResult {
  if (results.includes('Infected')) return 'Infected'
  return results.length === 0 || results.includes('NotScanned') ? 'NotScanned' : 'Success'
}
