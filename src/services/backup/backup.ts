import { BACKUP_FORMAT, type BackupDescription } from '../../domain/backup-description.ts'
import type { BlobName } from '../../domain/blob.ts'
import type { BackupFolder, Snapshot } from '../../ports/backup-folder.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { countCopy, settleCopy } from '../../store/backup.ts'
import { isBlobInForce } from '../../store/blobs/blobs.ts'
import { schemaKnown, schemaOf } from '../../store/migrate.ts'
import { copyBlobs, describeBlobs } from './copy-blobs.ts'

/** Snapshots that are taken because blobs of the last one were deleted before they were copied. */
const SNAPSHOTS_MAX = 5

export interface BackupReport extends BackupDescription {
  /** What was not in the folder before. */
  copiedBlobs: number
  copiedBytes: number
  /** Copies that were there for earlier backups only. */
  removedBlobs: number
}

export interface BackupOptions {
  /** The store of the data folder. */
  source: BlobStore
  backup: BackupFolder
  /** The version of this program. */
  program: string
  /** Reads the copies that are there already, too. */
  verify: boolean
}

/**
 * Makes the next backup in a folder. The order of writes keeps one complete backup in force at every instant, however this ends:
 *
 * 1. A snapshot of the catalogue and the small files is written beside that in force. Nothing names it yet.
 * 2. The blobs that it names and that are not there yet are added. The backup in force does not know them.
 * 3. `backup.json` is replaced in one step: from here on the new backup is in force, and complete.
 * 4. What only earlier backups needed is deleted: their snapshots, and the blobs that the new one does not name.
 *
 * A blob that is deleted from the store while 2. goes on was named by an update that is deleted too, so 1. is done again.
 *
 * Throws an `Error` with a sentence. The last finished backup is in force then.
 */
export async function backUp(options: BackupOptions): Promise<BackupReport> {
  const { backup } = options
  // What an earlier one left that did not come to its end.
  await backup.dropOtherSnapshots()
  await backup.blobs.dropAbandoned(0)
  try {
    return await makeNext(options)
  } finally {
    // Of this one, or, where it failed, what it began.
    await backup.dropOtherSnapshots()
  }
}

async function makeNext({ source, backup, program, verify }: BackupOptions): Promise<BackupReport> {
  let copiedBlobs = 0
  let copiedBytes = 0
  let goneBefore: readonly BlobName[] = []
  for (let snapshots = 1; ; snapshots += 1) {
    const takenAt = new Date().toISOString()
    let interrupted = 0
    await using snapshot = await backup.takeSnapshot(async (catalogue) => {
      await refuseNewerSchema(catalogue)
      interrupted = await settleCopy(catalogue)
    })
    const copies = await copyBlobs(snapshot.catalogue, { source, target: backup.blobs, verify })
    copiedBlobs += copies.copiedBlobs
    copiedBytes += copies.copiedBytes
    if (copies.gone.length > 0) {
      await refuseMissing(snapshot, { gone: copies.gone, goneBefore, isLast: snapshots === SNAPSHOTS_MAX })
      goneBefore = copies.gone
      continue
    }
    if (copies.damaged.length > 0) {
      throw new Error(
        `The store has damaged blobs, so no backup was made; the last one is still in force:${await describeBlobs(snapshot.catalogue, copies.damaged)}\n` +
          'aduana doctor says how to mend them; or delete these updates.',
      )
    }
    const description: BackupDescription = {
      format: BACKUP_FORMAT,
      program,
      schema: await schemaOf(snapshot.catalogue),
      takenAt,
      snapshot: snapshot.name,
      files: snapshot.files,
      ...(await countCopy(snapshot.catalogue)),
      interrupted,
    }
    await backup.putInForce(description)
    const removedBlobs = await dropUnneeded(snapshot.catalogue, backup.blobs)
    return { ...description, copiedBlobs, copiedBytes, removedBlobs }
  }
}

async function refuseNewerSchema(catalogue: Database): Promise<void> {
  const schema = await schemaOf(catalogue)
  if (schema <= schemaKnown()) return
  throw new Error(
    `The catalogue was written by a newer Aduana (schema ${schema}, this one knows ${schemaKnown()}). Back it up with that version.`,
  )
}

/** A blob that was gone when the last snapshot was copied and is still named by this one was not deleted: it is missing. */
async function refuseMissing(
  { catalogue }: Snapshot,
  { gone, goneBefore, isLast }: { gone: readonly BlobName[]; goneBefore: readonly BlobName[]; isLast: boolean },
): Promise<void> {
  const missing = gone.filter((name) => goneBefore.includes(name)).map((name) => ({ name, reason: 'it is missing' }))
  if (missing.length > 0) {
    throw new Error(
      `Bytes that the catalogue names are not in the store, so no backup was made; the last one is still in force:${await describeBlobs(catalogue, missing)}\n` +
        'aduana doctor says how to mend them; or delete these updates.',
    )
  }
  if (isLast) {
    throw new Error(
      'Updates are deleted, and their bytes swept, faster than they can be copied; the last backup is still in force. ' +
        'Try again, or let the server keep deleted bytes longer with --sweep-after.',
    )
  }
}

async function dropUnneeded(catalogue: Database, blobs: BlobStore): Promise<number> {
  let removed = 0
  for await (const { name } of blobs.list()) {
    if (await isBlobInForce(catalogue, name)) continue
    await blobs.delete(name)
    removed += 1
  }
  return removed
}
