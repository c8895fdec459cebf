import type { BlobName } from '../../domain/blob.ts'
import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'
import { findSharedKeys, offerSharedKeys } from '../nodes/shared-keys.ts'

const MARK = 'store'

/** The blob that marks the store of this database, if there is one. */
export async function findMark(database: Database): Promise<BlobName | undefined> {
  return (await findSharedKeys(database, [MARK]))[MARK] as BlobName | undefined
}

/**
 * Makes a committed blob the mark of the store, unless another one is by now. Answers the one that is. Its row is one like others, but
 * never idle, so that it is copied with all others and never swept.
 */
export async function recordMark(
  database: Database,
  { sha256, name, sizeInBytes }: { sha256: string; name: BlobName; sizeInBytes: number },
): Promise<BlobName> {
  await database.query(`insert into blobs (sha256, name, size_in_bytes, stored_at) values ($1, $2, $3, ${NOW})`, [
    sha256,
    name,
    sizeInBytes,
  ])
  const { [MARK]: mark = name } = await offerSharedKeys(database, { [MARK]: name })
  return mark as BlobName
}

/** Forgets a blob that did not become the mark. */
export async function dropMark(database: Database, sha256: string): Promise<void> {
  await database.query('delete from blobs where sha256 = $1', [sha256])
}
