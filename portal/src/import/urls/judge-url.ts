import { LIMITS } from '../../../../src/domain/limits.ts'

/**
 * What is wrong with an address that the server shall fetch, as far as it can be told without fetching; undefined where nothing is. The
 * sentences never repeat the address: its query may be a signature.
 */
export function judgeUrl(text: string, now = Date.now()): string | undefined {
  if (text === '') return 'Write the URL, from https:// on.'
  if (text.length > LIMITS.urlLengthMax) {
    return `The URL has ${text.length} characters, but may have ${LIMITS.urlLengthMax}.`
  }
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return 'This is no URL that a server can fetch. Write it from https:// on.'
  }
  if (url.username !== '' || url.password !== '')
    return 'The URL has a user name or password. Use one with a SAS instead.'
  const expiry = Date.parse(url.searchParams.get('se') ?? '')
  if (url.searchParams.has('sig') && expiry <= now) {
    return `The SAS of this URL expired at ${new Date(expiry).toISOString()}. Make a new one, good for some hours.`
  }
  if (url.searchParams.has('sig') && url.searchParams.has('sp') && !url.searchParams.get('sp')?.includes('r')) {
    return 'The SAS of this URL does not allow reading. Make one with the permission "r".'
  }
  return undefined
}

/** What is wrong with a digest; undefined where nothing is. */
export function judgeSha256(text: string): string | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return 'This looks like a hex digest; Device Update wants base64.'
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined
  return 'Write the SHA-256 in base64: 44 characters, the last one is =.'
}

/** What is wrong with the size of a manifest; undefined where nothing is. */
export function judgeManifestSize(text: string): string | undefined {
  const size = Number(text)
  if (!/^\d{1,12}$/.test(text) || size < 1) return 'Write the size in bytes, such as 816.'
  if (size > LIMITS.manifestBytesMax) return `A manifest may have ${LIMITS.manifestBytesMax} bytes at most.`
  return undefined
}

/** What is wrong with the name of a file; undefined where nothing is. */
export function judgeFileName(name: string, others: readonly string[]): string | undefined {
  if (name === '') return 'Write the name that the manifest has for the file.'
  if (/[\p{Cc}/\\]/u.test(name)) return 'A file name has neither control characters nor slashes.'
  if (Array.from(name).length > LIMITS.fileNameLengthMax) {
    return `A file name may have ${LIMITS.fileNameLengthMax} characters.`
  }
  if (others.includes(name)) return 'This name stands twice. Keep one.'
  return undefined
}
