import type { IncomingHttpHeaders } from 'node:http'
import type { SourcePosition } from '../../ports/source.ts'

/** The headers that ask for the rest of a file, as long as it is still the same one (RFC 9110, 13.1.5 and 14.2). */
export function rangeHeaders({ position, etag }: SourcePosition): Record<string, string> {
  return { range: `bytes=${position}-`, 'if-range': etag }
}

/** Whether an answer 206 is exactly what was asked for: the whole rest, of a file of that size, with the same ETag. */
export function isRestOf(
  headers: IncomingHttpHeaders,
  { from, sizeInBytes }: { from: SourcePosition; sizeInBytes: number },
): boolean {
  const etag = strongEtag(headers)
  return (
    headers['content-range']?.toLowerCase() === `bytes ${from.position}-${sizeInBytes - 1}/${sizeInBytes}` &&
    (etag === undefined || etag === from.etag)
  )
}

/** The ETag that vouches for every byte (RFC 9110, 8.8.1). A weak one does not, and a very long one is nothing to keep. */
export function strongEtag({ etag }: IncomingHttpHeaders): string | undefined {
  return etag !== undefined && /^"[\x21\x23-\x7e]{0,200}"$/.test(etag) ? etag : undefined
}
