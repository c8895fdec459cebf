import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { hexOfBase64, newBlobName } from '../domain/blob.ts'
import { AppError } from '../domain/errors.ts'
import type { Attempt } from '../domain/operation.ts'
import type { NotScanned, Verdict } from '../domain/verdict.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Database } from '../ports/database.ts'
import type { OpenSource } from '../ports/source.ts'
import { holdBlob, instanceHasContent, recordVerdict } from '../store/blobs.ts'
import { enforce, NO_SCANNER, SCAN_PAUSES_MS, type ScanPolicy } from './scan-policy.ts'
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
  scan: ScanPolicy
  /** Called as bytes come, with the sum so far. */
  onProgress: (bytesDone: number) => Promise<void>
}

/** A file whose bytes are in the store. */
export interface IngestedFile {
  /** In hex. */
  sha256: string
  verdict: Verdict
}

/**
 * Sees to it that the store has the bytes of a file, and that they are what is expected: they are counted, hashed, scanned and written in
 * a single pass, in memory that does not depend on their number. A scan that may yet succeed is tried again, after a pause.
 *
 * The download is skipped only where this instance already has an update with the same content and the bytes are really there:
 * knowing a hash must never give anyone another tenant's file. A verdict under older signatures is renewed from the stored bytes.
 *
 * Throws `AppError` with a code of the `source` kind, `SourceFileMalwareDetected` or `SourceFileNotScanned`.
 */
export async function ingestFile(file: ExpectedFile, options: IngestOptions): Promise<IngestedFile> {
  const { scan, signal } = options
  const pausesMs = scan.pausesMs ?? SCAN_PAUSES_MS
  const sha256Base64 = file.hashes.sha256 ?? ''
  for (let tries = 0; ; tries += 1) {
    let verdict: Verdict
    try {
      verdict = await ingestOnce(file, options)
    } catch (error) {
      if (!(error instanceof ScanStopped)) throw error
      verdict = error.notScanned
    }
    const pauseMs = pausesMs[tries]
    if (verdict.kind !== 'NotScanned' || !verdict.mayRecover || pauseMs === undefined) {
      enforce(verdict, { title: file.title, sha256Base64 }, scan)
      return { sha256: hexOfBase64(sha256Base64), verdict }
    }
    await sleep(pauseMs, undefined, { signal })
  }
}

/** The scanner gave up in the middle of a file that must be scanned: the rest need not be downloaded. */
class ScanStopped extends Error {
  readonly notScanned: NotScanned

  constructor(notScanned: NotScanned) {
    super(notScanned.reason)
    this.notScanned = notScanned
  }
}

/** One try. Under `best-effort` the bytes are in the store afterwards, scanned or not; otherwise only if they were scanned. */
async function ingestOnce(file: ExpectedFile, options: IngestOptions): Promise<Verdict> {
  const { database, blobs, instance, attempt, doneBefore, scan } = options
  const sha256 = hexOfBase64(file.hashes.sha256 ?? '')
  const { sizeInBytes } = file

  const known = await holdBlob(database, { attempt, sha256 })
  const isThere = known !== undefined && (await blobs.size(known.name)) === sizeInBytes
  if (isThere && (doneBefore || (await instanceHasContent(database, { instance, sha256, sizeInBytes })))) {
    // The bytes are known by their SHA-256; what else is promised about them has to be true as well.
    const isAllPromised = doneBefore || Object.keys(file.hashes).length === 1
    const standing = await standingVerdict(known.verdict, scan)
    if (isAllPromised && standing !== undefined) return standing
    const verdict = await passOnce(file, { ...options, openSource: () => blobs.open(known.name) }, async () => {})
    if (scan.scanner !== undefined) await recordVerdict(database, sha256, verdict)
    return verdict
  }

  const name = newBlobName(sha256)
  await using blob = await keeping(file, blobs.create({ name, sizeInBytes }))
  const verdict = await passOnce(file, options, (chunk) => keeping(file, blob.write(chunk)))
  // What must not be published need not be kept either. Another copy of it may be in use, and is marked.
  if (verdict.kind === 'Infected') {
    await recordVerdict(database, sha256, verdict)
    return verdict
  }
  await keeping(file, settleBlob(blob, { name, sha256, sizeInBytes }, { database, blobs }))
  if (scan.scanner !== undefined) await recordVerdict(database, sha256, verdict)
  return verdict
}

/** What is known of stored bytes, if it still holds: the scanner's own verdict under the signatures that are in force. */
async function standingVerdict(verdict: Verdict | undefined, { scanner }: ScanPolicy): Promise<Verdict | undefined> {
  if (scanner === undefined) return verdict ?? NO_SCANNER
  if (verdict === undefined || verdict.kind === 'NotScanned') return undefined
  return verdict.signatures === (await scanner.signatures()) ? verdict : undefined
}

/** Reads the bytes once, for everything that has to see them. */
async function passOnce(
  file: ExpectedFile,
  options: IngestOptions,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<Verdict> {
  const { scanner, mode } = options.scan
  if (scanner === undefined) {
    await copyChecked(file, options, write)
    return NO_SCANNER
  }
  // Begun before anything is downloaded: it may have to wait, or know beforehand that it will not scan the file.
  await using scan = await scanner.begin({ sizeInBytes: file.sizeInBytes, signal: options.signal })
  const stopIfHopeless = () => {
    if (scan.notScanned !== undefined && mode === 'required') throw new ScanStopped(scan.notScanned)
  }
  stopIfHopeless()
  await copyChecked(file, options, async (chunk) => {
    await Promise.all([write(chunk), scan.write(chunk)])
    stopIfHopeless()
  })
  const verdict = await scan.verdict()
  if (verdict.kind === 'NotScanned' && mode === 'required') throw new ScanStopped(verdict)
  return verdict
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
