import { newBlobName } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { ImportInput } from '../../domain/import-request.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { Tracing } from '../../ports/tracing.ts'
import { findBlob } from '../../store/blobs/blobs.ts'
import { keeping } from '../blobs/keeping.ts'
import { settleBlob } from '../blobs/settle-blob.ts'
import { cannotDownload } from '../sources/cannot-download.ts'
import { copyChecked, isMismatch } from '../sources/copy-checked.ts'
import { type ReadOptions, readSource, StartOver, startingOver } from '../sources/read-source.ts'

const MANIFEST = 'The import manifest'

export interface FetchOptions extends Pick<ReadOptions, 'openSource' | 'retry' | 'signal'> {
  tracing?: Tracing | undefined
}

/**
 * Fetches the import manifest of one input and checks it against the size and hashes that the request states. Throws
 * `AppError('CannotProcessImportManifest')` with `CannotDownload` inside.
 */
export async function fetchManifest({ importManifest }: ImportInput, options: FetchOptions): Promise<Uint8Array> {
  const { sizeInBytes, hashes } = importManifest
  const file = { title: MANIFEST, url: new URL(importManifest.url), sizeInBytes, hashes }
  if (sizeInBytes > LIMITS.manifestBytesMax) {
    const tooLarge = new AppError(
      'DocumentTooLarge',
      `${MANIFEST} is said to have ${sizeInBytes} bytes; at most ${LIMITS.manifestBytesMax} are read.`,
    )
    throw cannotProcess(cannotDownload('CannotDownload', file, tooLarge))
  }

  const bytes = Buffer.alloc(sizeInBytes)
  const fetchOnce = async () => {
    const source = readSource(file, options)
    let end = 0
    try {
      await copyChecked(file, source, options, async (block) => {
        bytes.set(block, end)
        end += block.length
      })
    } catch (error) {
      throw source.isStitched && isMismatch(error) ? new StartOver(error) : error
    }
  }
  try {
    await startingOver(fetchOnce)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw cannotProcess(cannotDownload('CannotDownload', file, error))
  }
  return bytes
}

/** The error for a manifest with these mistakes: `CannotProcessImportManifest` with `CannotParse` or `UnsupportedVersion` inside. */
export function invalidManifest(mistakes: readonly AppError[]): AppError {
  const unsupported = mistakes.find(({ code }) => code === 'UnsupportedVersion')
  return unsupported === undefined
    ? cannotParse(mistakes, `${MANIFEST} is not valid: `)
    : cannotProcess(unsupported, mistakes)
}

/** The error for a manifest that breaks rules: the first in its sentence, which `lead` begins, all of them in its details. */
export function cannotParse(mistakes: readonly AppError[], lead = ''): AppError {
  const [first] = mistakes
  const others = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more, see details)` : ''
  const inner = new AppError('CannotParse', `${lead}${first?.message}${others}`, {
    ...(first && { inner: first }),
  })
  return cannotProcess(inner, mistakes)
}

/** The outer error, in the words of the original service (recorded traffic, 2021). */
function cannotProcess(inner: AppError, details: readonly AppError[] = []): AppError {
  return new AppError('CannotProcessImportManifest', 'Error processing import manifest.', { inner, details })
}

/**
 * Keeps the manifest's own bytes in the store, since an update answers parts of them to the letter. The content must be held
 * (`holdContents`) beforehand. Throws `AppError('CannotProcessImportManifest')` if the store could not keep them.
 */
export async function keepManifest(
  { bytes, sha256 }: { bytes: Uint8Array; sha256: string },
  { database, blobs }: { database: Database; blobs: BlobStore },
): Promise<void> {
  const sizeInBytes = bytes.byteLength
  const known = await findBlob(database, sha256)
  if (known !== undefined && (await blobs.size(known.name)) === sizeInBytes) return

  async function store(): Promise<void> {
    const name = newBlobName(sha256)
    await using blob = await blobs.create({ name, sizeInBytes })
    await blob.write(bytes)
    await settleBlob(blob, { name, sha256, sizeInBytes }, { database, blobs })
  }
  try {
    await keeping({ title: MANIFEST }, store())
  } catch (error) {
    throw error instanceof AppError
      ? cannotProcess(cannotDownload('CannotDownload', { title: MANIFEST }, error))
      : error
  }
}
