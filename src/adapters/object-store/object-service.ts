import type { Readable } from 'node:stream'
import type { ContentHeaders } from '../../domain/content-headers.ts'
import type { ByteRange } from '../../ports/blob-store.ts'
import type { CallOptions } from './call-store.ts'

/** The object, and by which sign it can be known again as written by one writer, also if no answer ever came. */
export interface ObjectToWrite {
  key: string
  sizeInBytes: number
  /** Kept in the object's metadata. */
  writerToken: string
  /** With which the store itself answers those who download the object; without them they get plain bytes. */
  headers?: ContentHeaders | undefined
  /** It takes the place of what is under the key, and others may write the same bytes there at the same time. */
  isReplacement?: boolean | undefined
}

export interface Part {
  bytes: Uint8Array
  /** In base64, by the service's `partDigest`. The store refuses the part if it comes to another one. */
  digest: string
}

/** An object that is written in parts. Nothing of it is visible before it is completed. */
export interface PartsUpload {
  /** Numbers begin with 1; any order, several at once. */
  put(number: number, part: Part, signal: AbortSignal): Promise<void>
  /** With as many parts as were put. */
  complete(): Promise<void>
  /** Drops the parts, where that does no harm to others who write the same object. */
  drop(): Promise<void>
}

export interface FoundObject {
  sizeInBytes: number
  writerToken: string | undefined
}

export interface ListedObject {
  key: string
  sizeInBytes: number
  /** Milliseconds since 1970. */
  storedAt: number
}

export interface ObjectBody {
  /** Of the whole object. */
  sizeInBytes: number
  etag: string
  bytes: Readable
}

/**
 * What the adapters ask of an object store, in the store's own terms. Every method tries again what may get better, and throws
 * `StoreCallFailed` in the end.
 */
export interface ObjectService {
  /** How messages call the store, such as `s3://updates`. */
  readonly title: string
  readonly partDigest: 'md5' | 'sha256'
  /** An object has at most so many parts. */
  readonly partsMax: number
  /** Writes an object at once; unless it is a replacement, only if there is none under the key. */
  put(object: ObjectToWrite, whole: Part, signal: AbortSignal): Promise<void>
  /** Begins to write an object in parts. */
  putInParts(object: ObjectToWrite, signal: AbortSignal): Promise<PartsUpload>
  find(key: string, options?: Pick<CallOptions, 'isRepeated'>): Promise<FoundObject | undefined>
  /** Begins to read an object or a range of it; with an `etag`, only if it is still that version of it. */
  get(key: string, options: { range?: ByteRange | undefined; etag?: string }): Promise<ObjectBody>
  list(prefix: string): AsyncIterable<ListedObject>
  /** Deletes an object; no error if there is none. */
  delete(key: string): Promise<void>
  /** Copies an object under another key, on the side of the store: no byte comes here. Replaces what is there. */
  copy(from: string, to: string): Promise<void>
  /**
   * What was begun in parts under the prefix and never completed. What was begun after `begunBefore` may be left out: milliseconds since
   * 1970.
   */
  incomplete(prefix: string, options?: { begunBefore?: number }): AsyncIterable<IncompleteObject>
}

export interface IncompleteObject {
  key: string
  /** Of the parts that are there. */
  sizeInBytes: number
  /** When it was begun or got its last part: milliseconds since 1970. */
  touchedAt: number
  /** Drops its parts. False if somebody has completed or dropped it in the meantime. */
  drop(): Promise<boolean>
}
