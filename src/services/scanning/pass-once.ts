import { setTimeout as sleep } from 'node:timers/promises'
import type { BlobName } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { NotScanned, Verdict } from '../../domain/verdict.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Block } from '../../ports/block.ts'
import type { KnownBlob } from '../../store/blobs/blobs.ts'
import { type CopyOptions, copyChecked, type ExpectedFile } from '../sources/copy-checked.ts'
import { startingOver } from '../sources/read-source.ts'
import { enforce, NO_SCANNER, SCAN_PAUSES_MS, type ScanPolicy } from './scan-policy.ts'

export interface PassOptions extends CopyOptions {
  scan: ScanPolicy
}

/** The scanner gave up in the middle of a file that must be scanned: the rest need not be downloaded now. */
export class ScanStopped extends Error {
  readonly notScanned: NotScanned

  constructor(notScanned: NotScanned) {
    super(notScanned.reason)
    this.notScanned = notScanned
  }
}

/**
 * Reads the bytes once, for everything that has to see them: they are counted, hashed, scanned and handed to `write`. Throws `AppError` of
 * the `source` kind where they are not what the file should be, and `ScanStopped`.
 */
export async function passOnce(
  file: Omit<ExpectedFile, 'url'>,
  bytes: AsyncIterable<Uint8Array>,
  options: PassOptions,
  write: (block: Block) => Promise<void>,
): Promise<Verdict> {
  const { scanner, mode } = options.scan
  if (scanner === undefined) {
    await copyChecked(file, bytes, options, write)
    return NO_SCANNER
  }
  // Begun before anything is downloaded: it may have to wait, or know beforehand that it will not scan the file.
  await using scan = await scanner.begin({ sizeInBytes: file.sizeInBytes, signal: options.signal })
  const stopIfHopeless = () => {
    if (scan.notScanned !== undefined && mode === 'required') throw new ScanStopped(scan.notScanned)
  }
  stopIfHopeless()
  await copyChecked(file, bytes, options, write, async (block) => {
    await scan.write(block)
    stopIfHopeless()
  })
  const verdict = await scan.verdict()
  if (verdict.kind === 'NotScanned' && mode === 'required') throw new ScanStopped(verdict)
  return verdict
}

/**
 * Lets `pass` run again, after a pause, as long as the scanner may yet come to a verdict, and where bytes have to be read from the begin.
 * Throws what it throws, and `SourceFileMalwareDetected` or `SourceFileNotScanned` where the verdict refuses the file.
 */
export async function scanPatiently(
  { title, hashes }: Omit<ExpectedFile, 'url'>,
  { scan, signal }: PassOptions,
  pass: () => Promise<Verdict>,
): Promise<Verdict> {
  const pausesMs = scan.pausesMs ?? SCAN_PAUSES_MS
  for (let tries = 0; ; tries += 1) {
    const verdict = await startingOver(pass).catch((error: unknown) => {
      if (error instanceof ScanStopped) return error.notScanned
      throw error
    })
    const pauseMs = pausesMs[tries]
    if (verdict.kind !== 'NotScanned' || !verdict.mayRecover || pauseMs === undefined) {
      enforce(verdict, { title, sha256Base64: hashes.sha256 ?? '' }, scan)
      return verdict
    }
    await sleep(pauseMs, undefined, { signal })
  }
}

/**
 * The verdict on bytes that the store has, and whether it is a new one: they are read only where something about them is not known yet.
 * `isChecked` says that all hashes were compared.
 */
export async function judgeStored(
  file: Omit<ExpectedFile, 'url'>,
  known: KnownBlob,
  options: PassOptions & { blobs: BlobStore; isChecked: boolean },
): Promise<{ verdict: Verdict; isNew: boolean }> {
  // The bytes are known by their SHA-256; what else is promised about them has to be true as well.
  const isAllPromised = options.isChecked || Object.keys(file.hashes).length === 1
  const standing = await standingVerdict(known.verdict, options.scan)
  if (isAllPromised && standing !== undefined) return { verdict: standing, isNew: false }
  const verdict = await passOnce(file, readStored(file.title, known.name, options.blobs), options, async () => {})
  return { verdict, isNew: true }
}

/** What is known of stored bytes, if it still holds: the scanner's own verdict under the signatures that are in force. */
export async function standingVerdict(
  verdict: Verdict | undefined,
  { scanner }: ScanPolicy,
): Promise<Verdict | undefined> {
  if (scanner === undefined) return verdict ?? NO_SCANNER
  if (verdict === undefined || verdict.kind === 'NotScanned') return undefined
  return verdict.signatures === (await scanner.signatures()) ? verdict : undefined
}

async function* readStored(title: string, name: BlobName, blobs: BlobStore): AsyncGenerator<Uint8Array> {
  try {
    yield* await blobs.open(name)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('StoreFailed', `${title} is in the store, but cannot be read there: ${reason}`, { cause: error })
  }
}
