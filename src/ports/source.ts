/**
 * Opens the bytes behind a URL that a caller named. Nothing about them is trusted: the address is checked against the
 * source policy before connecting and after every redirect, and reading ends at the time limits.
 *
 * `url` is an absolute http or https URL. `sizeInBytes` is what the manifest promises: an answer that states another
 * length is refused before its body is read. Counting what really comes is the reader's part.
 *
 * Throws an `AppError` with a code of the `source` place, at once or while the bytes are read. Leaving the iteration early, or
 * aborting `signal`, ends the connection.
 */
export type OpenSource = (
  url: URL,
  options: { sizeInBytes: number; signal: AbortSignal },
) => Promise<AsyncIterable<Uint8Array>>
