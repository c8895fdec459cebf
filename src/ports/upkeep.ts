import type { BlobName } from '../domain/blob.ts'

/**
 * What the doctor asks of outside things beside their everyday use: what only they can see of themselves, and mend. Flaws are full
 * sentences that say what is wrong and what to do; an empty list is good news.
 */
export interface DatabaseUpkeep {
  /**
   * Looks how the database is stored; every byte of it with `isDeep`. May take minutes. Throws an `Error` with a
   * sentence if it cannot be used.
   */
  look(options: { damagesMax: number; isDeep: boolean }): Promise<DatabaseFacts>
  /** Rows that name others which are not there, and why that may be: at most `limit` sentences. */
  brokenReferences(limit: number): Promise<string[]>
  /** What to do where something is broken. */
  readonly remedy: string
}

export interface DatabaseFacts {
  /** What was looked at. */
  summary: string
  /** What is broken in how the database is stored. */
  damages: string[]
  /** What should be otherwise, with what to do. */
  warnings: string[]
  /** What is worth knowing. */
  notes: string[]
}

/** A file that is begun, or was taken out of service. */
export interface PutAside {
  name: BlobName
  sizeInBytes: number
  /** When it was last written to: milliseconds since 1970. */
  touchedAt: number
}

export interface PartialBlob extends PutAside {
  /** Drops it. False if somebody has committed or dropped it meanwhile. */
  drop(): Promise<boolean>
}

export interface StoreUpkeep {
  /** What keeps the store from taking in and giving out bytes. */
  flaws(): Promise<string[]>
  /** Blobs that were begun and not committed, of all nodes that use the store. */
  partials(): AsyncIterable<PartialBlob>
  /** Copies that were taken out of service. */
  damaged(): AsyncIterable<PutAside>
  /** Takes a copy out of service, but keeps its bytes as they are in the store. Answers where they are now, for people. */
  setAside(name: BlobName): Promise<string>
}

/** A disk, by a folder that is on it. */
export interface DiskRoom {
  path: string
  freeBytes: number
  totalBytes: number
  /** How many more files it can take; undefined where the file system has no such limit. */
  freeFiles: number | undefined
}

/** A file or folder to which more people have rights than should. */
export interface ExposedPath {
  path: string
  /** Permission bits: what they are, and what they should be at most. */
  mode: number
  modeMax: number
}

export interface FolderUpkeep {
  /** What keeps a server from using the folder. */
  flaws(): Promise<string[]>
  /** What others have rights to that only the owner, or the group, should. */
  exposed(): Promise<ExposedPath[]>
  /** Takes away the rights that are too many. */
  protect(path: ExposedPath): Promise<void>
  /** When the newest file in it was written: milliseconds since 1970. */
  newestAt(): Promise<number>
}

/** A certificate that the server shows or signs with. Times are milliseconds since 1970. */
export interface CertificateFacts {
  /** What it is, as the begin of a sentence: "The server certificate data/tls/server.pem". */
  title: string
  /** What makes it unusable besides its dates. */
  flaw?: string
  validFrom?: number
  expiresAt?: number
  /** Who renews it: the server by itself, or the operator. */
  isRenewedByServer: boolean
}
