/** What is known about malware in a file; as it stands on the wire. Never silently clean. */
export type ScanResult = 'Success' | 'Infected' | 'NotScanned'

/** The verdict over a whole update: the worst of its files'. Where there is no file, nothing was scanned. */
export function worstOf(results: readonly ScanResult[]): ScanResult {
  if (results.includes('Infected')) return 'Infected'
  return results.length === 0 || results.includes('NotScanned') ? 'NotScanned' : 'Success'
}
