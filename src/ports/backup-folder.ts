import type { BackupDescription, BackupFile } from '../domain/backup-description.ts'
import type { BlobStore } from './blob-store.ts'
import type { Database } from './database.ts'

/** A place with one backup in force, and perhaps the next one in the making. */
export interface BackupFolder {
  /** The bytes that the backup in force names, and those of the next one. */
  blobs: BlobStore
  /** What the last finished backup is; undefined if none was finished yet. Throws an `Error` if that cannot be understood. */
  inForce(): Promise<BackupDescription | undefined>
  /**
   * Makes a snapshot of the data folder as it is at this moment, beside the one in force: catalogue, audit log, identity. What may not
   * leave the data folder is not in it, at no time. `settle` makes the copied catalogue fit to begin with.
   */
  takeSnapshot(settle: (catalogue: Database) => Promise<void>): Promise<Snapshot>
  /** Puts a finished backup in force, in one step and durably. */
  putInForce(description: BackupDescription): Promise<void>
  /** Drops the snapshots that are not in force. */
  dropOtherSnapshots(): Promise<void>
}

export interface Snapshot {
  name: string
  files: readonly BackupFile[]
  /** For reading. */
  catalogue: Database
  [Symbol.asyncDispose](): Promise<void>
}
