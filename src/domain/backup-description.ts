/** The form of a backup that this version writes. It changes only where an older `restore` would misread it. */
export const BACKUP_FORMAT = 1

/** A file of a snapshot: where it lies in a data folder, and what it must be when it is restored. */
export interface BackupFile {
  path: string
  sizeInBytes: number
  /** In hex. */
  sha256: string
}

/** What `backup.json` says of the backup in force. */
export interface BackupDescription {
  format: number
  /** The version of Aduana that made it. */
  program: string
  /** The number of the last migration that had run on the catalogue. */
  schema: number
  /** When the catalogue was read: ISO 8601. */
  takenAt: string
  /** The folder with `files`, beside `backup.json`. */
  snapshot: string
  files: readonly BackupFile[]
  updates: number
  blobs: number
  blobBytes: number
  /** Operations that were in progress. In the backup they have failed with `InterruptedByRestore`. */
  interrupted: number
}

/** Whether this can be the folder of a snapshot: names from outside become paths. */
export function isSnapshotName(text: string): boolean {
  return /^snapshot\.[0-9a-f]{8}$/.test(text)
}

/** Reads `backup.json`. Throws an `Error` with a sentence that begins with `path` if it is of a newer form, or no such file. */
export function readBackupDescription(text: string, path: string): BackupDescription {
  const description = parsed(text) as Partial<BackupDescription>
  const { format, schema, snapshot, files, takenAt, program, updates, blobs, blobBytes, interrupted } = description
  if (typeof format === 'number' && format > BACKUP_FORMAT) {
    throw new Error(
      `${path} describes a backup of form ${format}, made by Aduana ${program}; this version knows form ${BACKUP_FORMAT}. Install that version.`,
    )
  }
  const isGood =
    format === BACKUP_FORMAT &&
    [schema, updates, blobs, blobBytes, interrupted].every((value) => Number.isSafeInteger(value)) &&
    [takenAt, program].every((value) => typeof value === 'string') &&
    isSnapshotName(String(snapshot)) &&
    Array.isArray(files) &&
    files.every(isBackupFile)
  if (!isGood) throw new Error(`${path} does not describe a backup of Aduana, or is damaged. Name another folder.`)
  return description as BackupDescription
}

function isBackupFile(file: unknown): boolean {
  const { path, sizeInBytes, sha256 } = Object(file) as Partial<BackupFile>
  return typeof path === 'string' && Number.isSafeInteger(sizeInBytes) && /^[0-9a-f]{64}$/.test(String(sha256))
}

/** The members of a JSON object; none if the text is anything else. */
function parsed(text: string): object {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
