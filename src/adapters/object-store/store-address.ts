/** Where blobs are kept. A prefix has no slash at its ends, and is empty where there is none. */
export type StoreAddress =
  | { kind: 'folder'; path: string }
  | { kind: 'azblob'; container: string; prefix: string }
  | { kind: 's3'; bucket: string; prefix: string }

const FORMS =
  'Write azblob://CONTAINER[/PREFIX] for Azure Blob Storage, s3://BUCKET[/PREFIX] for Amazon S3 and stores that speak like it, ' +
  'or the path of a folder.'
const CREDENTIALS =
  'The address of a store has no keys, signatures or options: those come from the environment, such as ' +
  'AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN or AWS_ACCESS_KEY_ID.'

/** Both clouds take at most 1024 characters for the whole name; a blob's own part has about 80. */
const PREFIX_LENGTH_MAX = 512

/**
 * Reads the address of a store: `azblob://CONTAINER[/PREFIX]`, `s3://BUCKET[/PREFIX]`, or the path of a folder. Throws an `Error` with a
 * sentence that names the mistake, and that repeats nothing which might be a secret.
 */
export function parseStoreAddress(text: string): StoreAddress {
  if (text === '') throw new Error(`The store has no address. ${FORMS}`)
  const [, scheme, rest = ''] = /^(azblob|s3):(.*)$/is.exec(text) ?? []
  if (scheme === undefined) {
    // One letter and a colon begin a path on Windows.
    const other = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]
    if (other !== undefined) throw new Error(`Stores that begin with ${other}:// are not known. ${FORMS}`)
    return { kind: 'folder', path: text }
  }

  const kind = scheme.toLowerCase() === 's3' ? 's3' : 'azblob'
  if (/[?#@]/.test(rest)) throw new Error(`A ${kind}:// address has a ?, # or @. ${CREDENTIALS}`)
  if (!rest.startsWith('//')) throw new Error(`${text} lacks the two slashes after ${kind}:. ${FORMS}`)
  const [place = '', ...folders] = rest.slice(2).replace(/\/$/, '').split('/')
  const prefix = checkedPrefix(text, folders)
  if (kind === 's3') return { kind, bucket: checkedBucket(text, place), prefix }
  return { kind, container: checkedContainer(text, place), prefix }
}

/** How messages call the store. */
export function storeTitle(address: StoreAddress): string {
  if (address.kind === 'folder') return address.path
  const place = address.kind === 's3' ? address.bucket : address.container
  return `${address.kind}://${[place, address.prefix].filter((part) => part !== '').join('/')}`
}

function checkedContainer(text: string, container: string): string {
  if (/^[a-z0-9](-?[a-z0-9])+$/.test(container) && hasBucketLength(container)) return container
  throw new Error(
    `${text}: a container has 3 to 63 lower-case letters, digits and single hyphens, and begins and ends with a letter or digit; ` +
      `this one is ${quoted(container)}.`,
  )
}

function checkedBucket(text: string, bucket: string): string {
  const isAddress = /^\d+\.\d+\.\d+\.\d+$/.test(bucket)
  if (/^[a-z0-9]([.-]*[a-z0-9])+$/.test(bucket) && hasBucketLength(bucket) && !bucket.includes('..') && !isAddress) {
    return bucket
  }
  throw new Error(
    `${text}: a bucket has 3 to 63 lower-case letters, digits, dots and hyphens, begins and ends with a letter or digit and is no IP ` +
      `address; this one is ${quoted(bucket)}. The address of a server belongs into AWS_ENDPOINT_URL.`,
  )
}

function hasBucketLength(name: string): boolean {
  return name.length >= 3 && name.length <= 63
}

function checkedPrefix(text: string, folders: string[]): string {
  const prefix = folders.join('/')
  const wrong = folders.find((folder) => !/^[\w.+=-]+$/.test(folder) || /^\.+$/.test(folder))
  if (wrong !== undefined) {
    throw new Error(
      `${text}: the parts of a prefix have letters, digits and any of . _ + = - only, and are not just dots; one is ${quoted(wrong)}.`,
    )
  }
  if (prefix.length > PREFIX_LENGTH_MAX) {
    throw new Error(`The prefix in ${text} is longer than ${PREFIX_LENGTH_MAX} characters.`)
  }
  return prefix
}

function quoted(text: string): string {
  return text === '' ? 'empty' : JSON.stringify(text)
}
