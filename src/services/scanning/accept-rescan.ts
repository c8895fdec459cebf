import { auditEntryOf } from '../../domain/audit-entry.ts'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import type { Database } from '../../ports/database.ts'
import type { Scanner } from '../../ports/scanner.ts'
import { wantRescan } from '../../store/blobs/rescans.ts'
import type { Audit } from '../audit.ts'

/**
 * Accepts that what an instance has is scanned again: everything, or only what has no verdict that rests on the signatures now in force.
 * The rounds of `rescan` do the rest.
 *
 * Throws `AppError('ScannerNotConfigured')`, and `AppError('Unavailable')` where the scanner does not answer, since nobody knows then
 * which signatures are in force.
 */
export async function acceptRescan(
  { database, audit, scanner }: { database: Database; audit: Audit; scanner: Scanner | undefined },
  { instance, everything, caller }: { instance: string; everything: boolean; caller: Caller },
): Promise<void> {
  if (scanner === undefined) {
    throw new AppError(
      'ScannerNotConfigured',
      'This server has no malware scanner. Its operator can name one with --scanner.',
    )
  }
  const signatures = await scanner.signatures()
  if (signatures === undefined) {
    const [problem = 'It does not answer.'] = scanner.status().problems
    throw new AppError('Unavailable', `The malware scanner is away: ${problem}`)
  }
  const target = everything ? 'everything' : `not yet scanned with ${signatures}`
  const entry = auditEntryOf(caller, { action: 'rescan', instance, target })
  await wantRescan(database, { instance, signatures: everything ? undefined : signatures, audit: entry })
  await audit.recorded(entry)
}
