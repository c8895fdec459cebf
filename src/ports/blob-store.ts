import type { BlobName } from '../domain/blob.ts'

/** A part of a blob in bytes: `start` is the first, `end` the last one included. */
export interface ByteRange {
  start: number
  end: number
}

export interface StoredBlob {
  name: BlobName
  sizeInBytes: number
  /** When its last byte was written: milliseconds since 1970. */
  storedAt: number
}

/** Keeps the bytes of update files under a name that begins with the SHA-256 of their content. */
export interface BlobStore {
  /**
   * Starts a blob. Name and size are known beforehand, so that an object store can upload to the final key.
   * Nothing can be read under the name until `commit` has resolved.
   */
  create(blob: { name: BlobName; sizeInBytes: number }): Promise<BlobWriter>
  /**
   * Goes on with what the writer of `partial` left behind, by `suspend` or since its process died, and commits it as `name`. What was kept
   * may be damaged, so it has to be read and checked again. Undefined where nothing usable was kept, or somebody writes it at this moment.
   */
  resume(blob: { name: BlobName; sizeInBytes: number; partial: BlobName }): Promise<ResumedWriter | undefined>
  /** Reads a blob, or the range of it. Throws `AppError('BlobMissing')` if there is none. */
  open(name: BlobName, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>
  /** The size in bytes of a committed blob, or undefined if there is none. */
  size(name: BlobName): Promise<number | undefined>
  /** Every committed blob, in the order of names. Not all stores keep to that, so nothing but speed may rest on it. */
  list(): AsyncIterable<StoredBlob>
  /** Deletes a blob; deleting one that is not there is no error. */
  delete(name: BlobName): Promise<void>
  /** Drops what was kept under this name for `resume`, unless somebody writes it at this moment. No error where nothing was. */
  abandon(partial: BlobName): Promise<void>
  /**
   * Drops what writers have not touched for `ageMs` and never committed, such as after a crash, except the partial blobs in `keep`.
   * Answers how many.
   */
  dropAbandoned(ageMs: number, keep?: ReadonlySet<BlobName>): Promise<number>
}

export interface BlobWriter {
  /** Takes the next bytes. The chunk may be reused by the caller once the promise has resolved. */
  write(chunk: Uint8Array): Promise<void>
  /** Makes what was written durable and visible under the blob's name. Throws if it is not `sizeInBytes` long. */
  commit(): Promise<void>
  /** Ends the writing, but keeps what was written for `resume`, as far as the store can. Never throws. */
  suspend(): Promise<void>
  /** Drops what was written. Harmless after `commit` and `suspend`, so callers dispose of every writer. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Writes behind the bytes that are there already. */
export interface ResumedWriter extends BlobWriter {
  readonly keptBytes: number
  /** The bytes that are there already, from the first one. */
  kept(): AsyncIterable<Uint8Array>
}
