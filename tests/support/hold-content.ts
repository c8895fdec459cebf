import type { Attempt } from '../../src/domain/operation.ts'
import type { Database } from '../../src/ports/database.ts'
import { findBlob, holdContents, type KnownBlob } from '../../src/store/blobs/blobs.ts'
import { guardAttempt } from '../../src/store/operations/attempts.ts'

/** Holds a content for an attempt, as an import does, then answers the copy that the store has. */
export async function holdContent(
  database: Database,
  { attempt, sha256 }: { attempt: Attempt; sha256: string },
): Promise<KnownBlob | undefined> {
  await database.batch([guardAttempt(attempt), ...holdContents(attempt, [sha256])])
  return await findBlob(database, sha256)
}
