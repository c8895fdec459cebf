import { hexOfBase64, newBlobName } from '../domain/blob.ts'
import { AppError } from '../domain/errors.ts'
import type { ImportManifest } from '../domain/import-manifest.ts'
import type { ImportInput } from '../domain/import-request.ts'
import { LIMITS } from '../domain/limits.ts'
import { readImportManifest } from '../domain/read-import-manifest.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Database } from '../ports/database.ts'
import type { OpenSource } from '../ports/source.ts'
import { holdBlob } from '../store/blobs.ts'
import { copyChecked } from './ingest-file.ts'
import { settleBlob } from './settle-blob.ts'

/**
 * Fetches the import manifest of one input, checks it against the size and hashes that the request states, and reads it.
 *
 * Throws `AppError('CannotProcessImportManifest')`; its inner error tells a manifest that could not be fetched
 * (`CannotDownload`) from one that breaks the rules (`CannotParse`, `UnsupportedVersion`).
 */
export async function fetchManifest(
  { importManifest }: ImportInput,
  { openSource, signal }: { openSource: OpenSource; signal: AbortSignal },
): Promise<{ bytes: Uint8Array; manifest: ImportManifest }> {
  const { sizeInBytes, hashes } = importManifest
  if (sizeInBytes > LIMITS.manifestBytesMax) {
    const tooLarge = new AppError(
      'DocumentTooLarge',
      `The import manifest is said to have ${sizeInBytes} bytes; at most ${LIMITS.manifestBytesMax} are read.`,
    )
    throw cannotProcess(new AppError('CannotDownload', tooLarge.message, { inner: tooLarge }))
  }

  const bytes = Buffer.alloc(sizeInBytes)
  let end = 0
  try {
    const file = { title: 'The import manifest', url: new URL(importManifest.url), sizeInBytes, hashes }
    await copyChecked(file, { openSource, signal, onProgress: async () => {} }, (chunk) => {
      bytes.set(chunk, end)
      end += chunk.byteLength
    })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw cannotProcess(new AppError('CannotDownload', error.message, inward(error)))
  }

  const { manifest, errors } = readImportManifest(bytes)
  if (manifest !== undefined) return { bytes, manifest }
  const unsupported = errors.find(({ code }) => code === 'UnsupportedVersion')
  const [first] = errors
  const inner =
    unsupported ??
    new AppError('CannotParse', `The import manifest is not valid: ${first?.message}${more(errors.length - 1)}`, {
      ...(first?.target !== undefined && { target: first.target }),
    })
  throw cannotProcess(inner, errors)
}

function more(count: number): string {
  return count > 0 ? ` (and ${count} more, see details)` : ''
}

/** The outer error, in the words of the original service (recorded traffic, 2021). */
export function cannotProcess(inner: AppError, details: readonly AppError[] = []): AppError {
  return new AppError('CannotProcessImportManifest', 'Error processing import manifest.', { inner, details })
}

/** What an outer error takes over from the one that it wraps. */
export function inward(error: AppError): { inner: AppError; errorDetail?: string } {
  return { inner: error, ...(error.errorDetail !== undefined && { errorDetail: error.errorDetail }) }
}

/** Keeps the manifest's own bytes in the store, since an update answers parts of them to the letter. Answers the SHA-256 in hex. */
export async function keepManifest(
  { bytes, sha256Base64, operationId }: { bytes: Uint8Array; sha256Base64: string; operationId: string },
  { database, blobs }: { database: Database; blobs: BlobStore },
): Promise<string> {
  const sha256 = hexOfBase64(sha256Base64)
  const sizeInBytes = bytes.byteLength
  const known = await holdBlob(database, { operationId, sha256 })
  if (known !== undefined && (await blobs.size(known.name)) === sizeInBytes) return sha256
  const name = newBlobName(sha256)
  await using blob = await blobs.create({ name, sizeInBytes })
  await blob.write(bytes)
  await settleBlob(blob, { name, sha256, sizeInBytes }, { database, blobs })
  return sha256
}
