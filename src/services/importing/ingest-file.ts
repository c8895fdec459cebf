import { type BlobName, hexOfBase64, newBlobName } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { Verdict } from '../../domain/verdict.ts'
import type { BlobStore, BlobWriter } from '../../ports/blob-store.ts'
import type { Database, Statement } from '../../ports/database.ts'
import type { StartDigest } from '../../ports/digest.ts'
import type { OpenSource } from '../../ports/source.ts'
import { findBlob, instanceHasContent } from '../../store/blobs/blobs.ts'
import { recordVerdict, verdictStatements } from '../../store/blobs/verdicts.ts'
import type { PartialFile } from '../../store/operations/progress.ts'
import { keeping } from '../blobs/keeping.ts'
import { settleBlob } from '../blobs/settle-blob.ts'
import { isDatabaseFailure, LostAttempt, Parked } from '../operations/attempt-end.ts'
import { judgeStored, passOnce, ScanStopped, scanPatiently } from '../scanning/pass-once.ts'
import type { ScanPolicy } from '../scanning/scan-policy.ts'
import { type ExpectedFile, isMismatch } from '../sources/copy-checked.ts'
import { type RetryPolicy, readSource, StartOver } from '../sources/read-source.ts'

/** Smaller files are fetched again as quickly as they are resumed. */
const RESUMABLE_BYTES_MIN = 1024 * 1024

export interface IngestOptions {
  database: Database
  blobs: BlobStore
  openSource: OpenSource
  retry?: RetryPolicy | undefined
  startDigest?: StartDigest | undefined
  signal: AbortSignal
  instance: string
  /** An earlier attempt of this operation has fetched and checked this file already. */
  doneBefore: boolean
  /** What an earlier attempt of this operation left behind of this file. */
  left?: PartialFile | undefined
  scan: ScanPolicy
  /**
   * Answers what is written together with the row by which the store has the file, or by itself where it has it already. Asked again
   * after each pause that a scanner wants.
   */
  factsWhenStored?: (() => Promise<Statement[]>) | undefined
  /** Called as bytes come, with the sum so far. */
  onProgress: (bytesDone: number) => Promise<void>
  /** Called before bytes are written that a later attempt could go on with. */
  onPartial?: ((partial: PartialFile) => Promise<void>) | undefined
}

/** A file whose bytes are in the store. */
export interface IngestedFile {
  /** In hex. */
  sha256: string
  verdict: Verdict
}

/**
 * Sees to it that the store has the bytes of a file, and that they are what is expected: they are counted, hashed, scanned and written in
 * a single pass, in memory that does not depend on their number. A source that may get better is asked again, and so is a scanner, after
 * a pause; what was fetched meanwhile is kept, and read again rather than fetched again.
 *
 * The download is skipped only where this instance already has an update with the same content and the bytes are really there:
 * knowing a hash must never give anyone another tenant's file. A verdict under older signatures is renewed from the stored bytes.
 * The content must be held (`holdContents`) beforehand.
 *
 * Throws `AppError` with a code of the `source` kind, `SourceFileMalwareDetected` or `SourceFileNotScanned`.
 */
export async function ingestFile(file: ExpectedFile, options: IngestOptions): Promise<IngestedFile> {
  const { signal, blobs } = options
  const fetched: Fetched = { isStored: options.doneBefore, left: options.left }
  try {
    const verdict = await scanPatiently(file, options, () => ingestOnce(file, options, fetched))
    return { sha256: hexOfBase64(file.hashes.sha256 ?? ''), verdict }
  } catch (error) {
    const { left } = fetched
    if (left !== undefined && !goesOn(error, signal)) await blobs.abandon(left.partial).catch(() => {})
    throw error
  }
}

/** What there is already of a file that is being ingested. */
interface Fetched {
  /** The store has all of it, checked. */
  isStored: boolean
  /** A partial blob has the beginning of it. */
  left: Left | undefined
}

/** Without an ETag it is of use only when it is all of the file. */
type Left = Omit<PartialFile, 'sourceEtag'> & { sourceEtag: string | undefined }

/** The server stops, or the database is away, or another attempt has the operation: it goes on later. */
function goesOn(error: unknown, { reason }: AbortSignal): boolean {
  const isOthers = reason instanceof Parked || reason instanceof LostAttempt
  return isOthers || isDatabaseFailure(reason) || isDatabaseFailure(error)
}

/** One try. Under `best-effort` the bytes are in the store afterwards, scanned or not; otherwise only if they were scanned. */
async function ingestOnce(file: ExpectedFile, options: IngestOptions, fetched: Fetched): Promise<Verdict> {
  const { database, blobs, instance, scan, factsWhenStored = noFacts } = options
  const sha256 = hexOfBase64(file.hashes.sha256 ?? '')
  const { sizeInBytes } = file

  const known = await findBlob(database, sha256)
  const isThere = known !== undefined && (await blobs.size(known.name)) === sizeInBytes
  if (isThere && (fetched.isStored || (await instanceHasContent(database, { instance, sha256, sizeInBytes })))) {
    const { verdict, isNew } = await judgeStored(file, known, { isChecked: fetched.isStored, ...options })
    const facts = [
      ...(isNew ? verdictFacts(sha256, verdict, { scan, scannedBefore: known.scannedAt }) : []),
      // It is refused.
      ...(verdict.kind === 'Infected' ? [] : await factsWhenStored()),
    ]
    if (facts.length > 0) await database.batch(facts)
    return verdict
  }
  return await fetchOnce(file, options, { fetched, scannedBefore: known?.scannedAt })
}

async function fetchOnce(
  file: ExpectedFile,
  options: IngestOptions,
  { fetched, scannedBefore }: { fetched: Fetched; scannedBefore: number | undefined },
): Promise<Verdict> {
  const { database, blobs, scan, signal, factsWhenStored = noFacts } = options
  const sha256 = hexOfBase64(file.hashes.sha256 ?? '')
  const { sizeInBytes } = file
  const name = newBlobName(sha256)

  const { writer, partial, keptBytes, kept } = await openWriter(file, name, { blobs, fetched })
  await using blob = writer
  const { left } = fetched
  const source = readSource(file, {
    ...options,
    ...(keptBytes > 0 && { from: { position: keptBytes, etag: left?.sourceEtag ?? '' } }),
    async onAnswer({ etag }) {
      if (fetched.left?.partial === partial && fetched.left.sourceEtag === etag) return
      fetched.left = { partial, sourceEtag: etag }
      if (etag === undefined || sizeInBytes < RESUMABLE_BYTES_MIN) return
      await options.onPartial?.({ partial, sourceEtag: etag })
    },
  })
  let toSkip = keptBytes
  let verdict: Verdict
  try {
    verdict = await passOnce(file, joined(kept, source), options, async (block) => {
      const skipped = Math.min(toSkip, block.length)
      toSkip -= skipped
      if (skipped < block.length) await keeping(file, blob.write(block.subarray(skipped)))
    })
  } catch (error) {
    if (error instanceof ScanStopped || goesOn(error, signal)) await blob.suspend()
    else fetched.left = undefined
    throw source.isStitched && isMismatch(error) ? new StartOver(error) : error
  }
  fetched.left = undefined
  // What must not be published need not be kept either. Another copy of it may be in use, and is marked.
  if (verdict.kind === 'Infected') {
    await recordVerdict(database, sha256, verdict, { scannedBefore })
    return verdict
  }
  const facts = [...verdictFacts(sha256, verdict, { scan, scannedBefore }), ...(await factsWhenStored())]
  await keeping(file, settleBlob(blob, { name, sha256, sizeInBytes }, { database, blobs, facts }))
  fetched.isStored = true
  return verdict
}

/** Goes on with what is left of the file, or begins anew. */
async function openWriter(
  file: ExpectedFile,
  name: BlobName,
  { blobs, fetched }: { blobs: BlobStore; fetched: Fetched },
): Promise<{ writer: BlobWriter; partial: BlobName; keptBytes: number; kept: AsyncIterable<Uint8Array> }> {
  const { sizeInBytes } = file
  const { left } = fetched
  if (left !== undefined) {
    const { partial } = left
    const writer = await keeping(file, blobs.resume({ name, sizeInBytes, partial }))
    if (writer !== undefined && (left.sourceEtag !== undefined || writer.keptBytes === sizeInBytes)) {
      return { writer, partial, keptBytes: writer.keptBytes, kept: writer.kept() }
    }
    await writer?.[Symbol.asyncDispose]()
    await blobs.abandon(partial)
    fetched.left = undefined
  }
  const writer = await keeping(file, blobs.create({ name, sizeInBytes }))
  return { writer, partial: name, keptBytes: 0, kept: nothing() }
}

/** What is to be written of a verdict: nothing, where there is no scanner. */
function verdictFacts(
  sha256: string,
  verdict: Verdict,
  { scan, scannedBefore }: { scan: ScanPolicy; scannedBefore: number | undefined },
): Statement[] {
  return scan.scanner === undefined ? [] : verdictStatements(sha256, verdict, { scannedBefore })
}

const noFacts = async (): Promise<Statement[]> => []

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** What was kept, then what the source sends. Kept bytes that cannot be read any more are worth as little as wrong ones. */
async function* joined(kept: AsyncIterable<Uint8Array>, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* kept
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartOver(
      new AppError('StoreFailed', `What was kept of a file cannot be read: ${reason}`, { cause: error }),
    )
  }
  yield* source
}
