export interface ContentHeaders {
  'cache-control': string
  'content-type': string
  'content-disposition': string
}

/**
 * Headers of everything that devices download, wherever from. A browser runs nothing of it, and what is behind an
 * address never changes.
 */
export function contentHeaders(fileName: string): ContentHeaders {
  return {
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': 'application/octet-stream',
    'content-disposition': attachment(fileName),
  }
}

/** A name that browsers save under (RFC 6266): plain ASCII for old ones, UTF-8 for the rest. */
function attachment(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(fileName).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`
}
