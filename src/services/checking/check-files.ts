import { hexOfBase64 } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { ClaimedOperation } from '../../domain/operation.ts'
import { type Attributes, UNTRACED } from '../../ports/tracing.ts'
import { findBlob, instanceHasContent, type KnownBlob } from '../../store/blobs/blobs.ts'
import { guardAttempt } from '../../store/operations/attempts.ts'
import { noteFiles, noteProgress } from '../../store/operations/progress.ts'
import { forEachLimited } from '../for-each-limited.ts'
import type { SpareFile } from '../importing/match-files.ts'
import { isDatabaseFailure } from '../operations/attempt-end.ts'
import { createProgressNews } from '../operations/progress-news.ts'
import { judgeStored, passOnce, scanPatiently, standingVerdict } from '../scanning/pass-once.ts'
import { enforce } from '../scanning/scan-policy.ts'
import { cannotProcessFile } from '../sources/cannot-download.ts'
import { type ExpectedFile, isMismatch } from '../sources/copy-checked.ts'
import { reachSource } from '../sources/reach-source.ts'
import { readSource, StartOver } from '../sources/read-source.ts'
import type { CheckFindings } from './check-findings.ts'
import type { CheckContext, CheckedInput } from './run-check.ts'

/** Files that are read at the same time, as in an import. */
const READ_AT_ONCE = 4
/** Files that are only asked for take no room and little time. */
const ASKED_AT_ONCE = 16

/** A URL of the request, with what the manifest promises of the bytes behind it. */
interface CheckedFile extends SpareFile {
  item: number
  ordinal: number
  /** Undefined where nothing is known. */
  expected: ExpectedFile | undefined
}

/**
 * Judges what is behind every URL of the request: whether it can be had, and whether it has the size that the manifest promises; where
 * `isDeep`, every byte of it. Bytes are written nowhere. What the instance has already is not asked for, since no import would.
 */
export async function checkFiles(
  inputs: readonly CheckedInput[],
  {
    isDeep,
    findings,
    operation,
    context,
  }: { isDeep: boolean; findings: CheckFindings; operation: ClaimedOperation; context: CheckContext },
): Promise<void> {
  const { database, tracing = UNTRACED } = context
  const { instance } = operation
  const files = inputs.flatMap(filesOf)
  const known = files.flatMap(({ item, ordinal, fileName, expected }) => {
    return expected === undefined ? [] : [{ item, ordinal, fileName, sizeInBytes: expected.sizeInBytes }]
  })
  await database.batch([guardAttempt(operation), ...noteFiles(operation, known)])
  const refusals = new Map<CheckedFile, AppError>()
  const warnings = new Map<CheckedFile, AppError>()
  const limit = isDeep ? READ_AT_ONCE : ASKED_AT_ONCE
  await forEachLimited(files, { limit, signal: context.signal }, async (file, signal) => {
    let bytesDone = 0
    const note = (phase: 'Downloading' | 'Done') => noteProgress(database, operation, file, { bytesDone, phase })
    const news = createProgressNews(() => note('Downloading'))
    const onProgress = async (bytes: number) => {
      bytesDone = bytes
      news.tell(bytes)
    }
    await note('Downloading')
    try {
      const warning = await tracing.inSpan({ name: 'check file', attributes: factsOf(file) }, () =>
        checkFile(file, { ...context, isDeep, signal, instance, onProgress }),
      )
      if (warning !== undefined) warnings.set(file, warning)
    } catch (error) {
      if (!(error instanceof AppError) || signal.aborted || isDatabaseFailure(error)) throw error
      refusals.set(file, error)
    } finally {
      await news.end()
    }
    if (!refusals.has(file)) await note('Done')
  })
  // In the order of the request, whichever was first.
  for (const file of files) {
    const refusal = refusals.get(file)
    if (refusal !== undefined) findings.object(file.item, cannotProcessFile(file, refusal))
    const warning = warnings.get(file)
    if (warning !== undefined) findings.warn(file.item, warning)
  }
}

function filesOf({ item, match: { matched, spare } }: CheckedInput): CheckedFile[] {
  return [
    ...matched.map((file) => ({ ...file, expected: file.sizeInBytes > 0 ? file : undefined })),
    ...spare.map((file) => ({ ...file, expected: undefined })),
  ].map((file, ordinal) => ({ ...file, item, ordinal }))
}

function factsOf({ item, ordinal, expected }: CheckedFile): Attributes {
  return {
    'aduana.item.index': item,
    'aduana.file.index': ordinal,
    ...(expected && { 'aduana.file.size': expected.sizeInBytes }),
  }
}

interface CheckFileOptions extends CheckContext {
  isDeep: boolean
  instance: string
  onProgress: (bytesDone: number) => Promise<void>
}

/** Throws the `AppError` that an import would stop at, as far as it can be seen. Answers what would not stop one. */
async function checkFile(
  { title, fileName, url, expected }: CheckedFile,
  options: CheckFileOptions,
): Promise<AppError | undefined> {
  const { isDeep, scan } = options
  const target = fileName
  const known = expected && (await findKnown(expected, options))
  if (known !== undefined && expected !== undefined && !isDeep) {
    const verdict = await standingVerdict(known.verdict, scan)
    if (verdict !== undefined) enforce(verdict, { title, sha256Base64: expected.hashes.sha256 ?? '' }, scan)
    return undefined
  }
  if (expected === undefined || !isDeep) {
    const { isSizeStated } = await reachSource({ title, url, sizeInBytes: expected?.sizeInBytes }, options)
    if (isSizeStated || expected === undefined) return undefined
    const message = `The source of ${title} does not say how many bytes it has. A check with deep=true compares them.`
    return new AppError('SizeNotStated', message, { target })
  }
  const verdict = await scanPatiently(expected, options, async () => {
    if (known !== undefined) return (await judgeStored(expected, known, { ...options, isChecked: false })).verdict
    const source = readSource(expected, options)
    try {
      return await passOnce(expected, source, options, async () => {})
    } catch (error) {
      throw source.isStitched && isMismatch(error) ? new StartOver(error) : error
    }
  })
  if (verdict.kind !== 'NotScanned' || scan.scanner === undefined) return undefined
  const message = `${title} was not scanned for malware: ${verdict.reason} An import would take it all the same.`
  return new AppError('SourceFileNotScanned', message, { target })
}

/** What an import would take in place of the source: the same content, if the instance has it and its bytes are there. */
async function findKnown(
  { sizeInBytes, hashes }: ExpectedFile,
  { database, blobs, instance }: CheckFileOptions,
): Promise<KnownBlob | undefined> {
  if (hashes.sha256 === undefined) return undefined
  const sha256 = hexOfBase64(hashes.sha256)
  if (!(await instanceHasContent(database, { instance, sha256, sizeInBytes }))) return undefined
  const known = await findBlob(database, sha256)
  return known !== undefined && (await blobs.size(known.name)) === sizeInBytes ? known : undefined
}
