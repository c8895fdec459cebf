import type { BackupDescription } from '../../domain/backup-description.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { countCopy } from '../../store/backup.ts'
import { schemaKnown } from '../../store/migrate.ts'
import { copyBlobs, describeBlobs, findMissing } from './copy-blobs.ts'

/** Throws an `Error` with a sentence unless this program can restore the backup and it is complete. Does not read every byte. */
export async function checkBackup({
  description,
  catalogue,
  blobs,
}: {
  description: BackupDescription
  /** Of the snapshot, for reading. */
  catalogue: Database
  blobs: BlobStore
}): Promise<void> {
  const counts = await countCopy(catalogue)
  if (counts.updates !== description.updates || counts.blobs !== description.blobs) {
    throw new Error('The catalogue of the backup is not the one that its backup.json describes. Use another backup.')
  }
  const missing = await findMissing(catalogue, blobs)
  if (missing.length === 0) return
  const described = await describeBlobs(
    catalogue,
    missing.map((name) => ({ name, reason: 'it is missing or has another size' })),
  )
  throw new Error(`The backup is incomplete, so nothing was restored:${described}\nUse another backup.`)
}

/** Throws an `Error` with a sentence if the backup is of a newer schema. For before its catalogue is opened. */
export function refuseNewerBackup({ schema, program }: BackupDescription): void {
  if (schema <= schemaKnown()) return
  throw new Error(
    `The backup was made by Aduana ${program} with schema ${schema}; this version knows schema ${schemaKnown()}. Install that version.`,
  )
}

/** Copies every blob of a backup into an empty store, each checked. Throws an `Error` with a sentence if one is damaged. */
export async function restoreBlobs({
  catalogue,
  backup,
  target,
}: {
  catalogue: Database
  backup: BlobStore
  target: BlobStore
}): Promise<void> {
  await target.dropAbandoned(0)
  // An earlier attempt may have left some: they were whole then, and are read again.
  const { gone, damaged } = await copyBlobs(catalogue, { source: backup, target, verify: true })
  const faults = [...gone.map((name) => ({ name, reason: 'it is missing' })), ...damaged]
  if (faults.length === 0) return
  throw new Error(
    `The backup is damaged, so it was not restored:${await describeBlobs(catalogue, faults)}\nUse another backup.`,
  )
}
