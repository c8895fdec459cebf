/** Where reading was broken off, and of which bytes. */
export interface SourcePosition {
  /** How many bytes there are already: the first one wanted. */
  position: number
  /** The strong ETag of the bytes that came before. */
  etag: string
}

/**
 * The bytes that a source sends. A chunk is good until the next one is asked for: whoever keeps it longer copies it. Disposing of it ends
 * the connection where bytes are left; who does not read it must.
 */
export interface SourceBody extends AsyncIterable<Uint8Array>, AsyncDisposable {
  /** Where in the file the first byte stands: the position that was asked for, or 0 where the source sends everything again. */
  start: number
  /** The strong ETag of the whole, to go on with later; undefined where the source gives none. */
  etag: string | undefined
  /** How many bytes the whole has, as the source says before it sends them; undefined where it does not say. */
  sizeInBytes: number | undefined
}

/**
 * Opens the bytes behind a URL that a caller named. Nothing about them is trusted: the address is checked against the
 * source policy before connecting and after every redirect, and reading ends at the time limits.
 *
 * `url` is an absolute http or https URL. `sizeInBytes` is what the manifest promises of the whole: an answer that
 * states another length is refused before its body is read; undefined refuses none. Counting what really comes is the
 * reader's part. `from` asks to go on where an earlier reading broke off; `beganAt` (milliseconds of
 * `performance.now()`) is when that began, for the limit on the whole time.
 *
 * Throws an `AppError` with a code of the `source` place, at once or while the bytes are read. Leaving the iteration early, or
 * aborting `signal`, ends the connection.
 */
export type OpenSource = (
  url: URL,
  options: { sizeInBytes: number | undefined; signal: AbortSignal; from?: SourcePosition; beganAt?: number },
) => Promise<SourceBody>
