import { createHash } from 'node:crypto'
import { hexOfBase64, newBlobName } from '../domain/blob.ts'
import { AppError } from '../domain/errors.ts'
import type { Attempt } from '../domain/operation.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Database } from '../ports/database.ts'
import type { OpenSource } from '../ports/source.ts'
import { holdBlob, instanceHasContent } from '../store/blobs.ts'
import { settleBlob } from './settle-blob.ts'

/** The hash algorithms that are checked; the digest of any other that a manifest states is only passed on. */
const CHECKED_ALGORITHMS: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'])

/** What a manifest, or a request, promises about some bytes. */
export interface ExpectedFile {
  /** How messages call it. */
  title: string
  url: URL
  sizeInBytes: number
  /** Algorithm in lower case → base64 of the digest. */
  hashes: Record<string, string>
}

export interface IngestOptions {
  database: Database
  blobs: BlobStore
  openSource: OpenSource
  signal: AbortSignal
  instance: string
  attempt: Attempt
  /** An earlier attempt of this operation has fetched and checked this file already. */
  doneBefore: boolean
  /** Called as bytes come, with the sum so far. */
  onProgress: (bytesDone: number) => Promise<void>
}

/**
 * Sees to it that the store has the bytes of a file, and that they are what is expected: they are counted, hashed and written in
 * a single pass, in memory that does not depend on their number. Answers the SHA-256 in hex.
 *
 * The download is skipped only where this instance already has an update with the same content and the bytes are really there:
 * knowing a hash must never give anyone another tenant's file.
 *
 * Throws `AppError` with a code of the `source` kind.
 */
export async function ingestFile(file: ExpectedFile, options: IngestOptions): Promise<string> {
  const { database, blobs, instance, attempt, doneBefore } = options
  const sha256 = hexOfBase64(file.hashes.sha256 ?? '')
  const { sizeInBytes } = file

  const known = await holdBlob(database, { attempt, sha256 })
  const isThere = known !== undefined && (await blobs.size(known.name)) === sizeInBytes
  if (isThere && doneBefore) return sha256
  if (isThere && (await instanceHasContent(database, { instance, sha256, sizeInBytes }))) {
    // The bytes are known by their SHA-256; what else is promised about them has to be true as well.
    const isAllPromised = Object.keys(file.hashes).length === 1
    if (!isAllPromised) await copyChecked(file, { ...options, openSource: () => blobs.open(known.name) }, () => {})
    return sha256
  }

  const name = newBlobName(sha256)
  await using blob = await keeping(file, blobs.create({ name, sizeInBytes }))
  await copyChecked(file, options, (chunk) => keeping(file, blob.write(chunk)))

  await keeping(file, settleBlob(blob, { name, sha256, sizeInBytes }, { database, blobs }))
  return sha256
}

/** Reads the source to its end, handing on each chunk, and throws unless size and every hash are as expected. */
export async function copyChecked(
  file: ExpectedFile,
  { openSource, signal, onProgress }: Pick<IngestOptions, 'openSource' | 'signal' | 'onProgress'>,
  write: (chunk: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const checks = Object.entries(file.hashes)
    .filter(([algorithm]) => CHECKED_ALGORITHMS.has(algorithm))
    .map(([algorithm, expected]) => ({ algorithm, expected, hash: createHash(algorithm) }))
  let bytesDone = 0

  for await (const chunk of await openSource(file.url, { sizeInBytes: file.sizeInBytes, signal })) {
    signal.throwIfAborted()
    bytesDone += chunk.byteLength
    if (bytesDone > file.sizeInBytes) {
      throw new AppError(
        'SizeMismatch',
        `${file.title} should have ${file.sizeInBytes} bytes, but its source sends more.`,
      )
    }
    for (const { hash } of checks) hash.update(chunk)
    await write(chunk)
    await onProgress(bytesDone)
  }

  if (bytesDone !== file.sizeInBytes) {
    throw new AppError(
      'SizeMismatch',
      `${file.title} should have ${file.sizeInBytes} bytes, but its source sent ${bytesDone}.`,
    )
  }
  for (const { algorithm, expected, hash } of checks) {
    const actual = hash.digest('base64')
    if (actual !== expected) {
      throw new AppError(
        'HashMismatch',
        `${file.title} should have the ${algorithm} hash ${expected}, but the bytes that came have ${actual}.`,
      )
    }
  }
}

/** Turns what the store throws into an error that says so. */
export async function keeping<T>({ title }: { title: string }, storing: Promise<T>): Promise<T> {
  try {
    return await storing
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('StoreFailed', `${title} could not be kept by the store: ${reason}`, {
      cause: error,
      mayRecover: true,
    })
  }
}
