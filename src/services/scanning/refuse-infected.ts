import { AppError } from '../../domain/errors.ts'
import type { Database } from '../../ports/database.ts'
import { findBlob } from '../../store/blobs/blobs.ts'
import type { NewUpdate } from '../../store/updates/publish.ts'
import { malwareDetected } from './scan-policy.ts'

/**
 * Throws `AppError('CannotProcessUpdateFile')` where malware was found in a content of these updates, by whomever. It says so of the file
 * as if this import had found it.
 */
export async function refuseInfected(updates: readonly NewUpdate[], database: Database): Promise<void> {
  for (const [fileName, { sha256 }] of updates.flatMap(({ contents }) => [...contents])) {
    const verdict = (await findBlob(database, sha256))?.verdict
    if (verdict?.kind !== 'Infected') continue
    const sha256Base64 = Buffer.from(sha256, 'hex').toString('base64')
    throw new AppError('CannotProcessUpdateFile', 'Error processing source file.', {
      target: fileName,
      inner: malwareDetected(verdict, { title: JSON.stringify(fileName), sha256Base64 }),
    })
  }
}
