import { AppError } from '../../domain/errors.ts'
import { STAGING_PROTOCOL } from '../../domain/staged-upload.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { OpenSource, SourceBody } from '../../ports/source.ts'
import { listParts } from '../../store/staging/staged-parts.ts'
import { findUsedUpload } from '../../store/staging/staged-uploads.ts'
import { isDatabaseFailure } from '../operations/attempt-end.ts'

/**
 * A source that opens `staging:ID` too, for one operation: the uploads that it named and whose owner asked for it. Bytes that are staged
 * are as little trusted as others.
 */
export function withStaging(
  openSource: OpenSource,
  { database, blobs, operationId }: { database: Database; blobs: BlobStore; operationId: string },
): OpenSource {
  return async (url, options) => {
    if (url.protocol !== STAGING_PROTOCOL) return await openSource(url, options)

    const id = url.pathname
    const upload = await findUsedUpload(database, { id, operationId })
    if (upload === undefined) {
      throw new AppError(
        'StagedUploadMissing',
        `You have no staged upload ${id} in this instance. It was never made, or was deleted or imported.`,
      )
    }
    if (upload.isReleased) {
      throw new AppError('StagedUploadExpired', `The staged upload ${id} has expired. Upload it again.`)
    }
    const { bytesReceived, sizeInBytes } = upload
    if (bytesReceived < sizeInBytes) {
      throw new AppError(
        'StagedUploadIncomplete',
        `The staged upload ${id} has ${bytesReceived} of ${sizeInBytes} bytes. Upload the rest.`,
      )
    }
    if (options.sizeInBytes !== undefined && sizeInBytes !== options.sizeInBytes) {
      throw new AppError(
        'SizeMismatch',
        `The staged upload ${id} has ${sizeInBytes} bytes, but ${options.sizeInBytes} were stated. Check that it is the right file.`,
      )
    }
    const etag = `"${id}"`
    const start = options.from?.etag === etag ? options.from.position : 0
    const bytes = readParts(id, { database, blobs, start, signal: options.signal })
    return Object.assign(bytes, { start, etag, sizeInBytes }) satisfies SourceBody
  }
}

async function* readParts(
  id: string,
  { database, blobs, start, signal }: { database: Database; blobs: BlobStore; start: number; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  let position = start
  for (const part of await listParts(database, { uploadId: id, position: start })) {
    const title = `The staged upload ${id}`
    if (part.start > position || part.blob === undefined) {
      throw new AppError('BlobMissing', `${title} has lost its bytes from ${position} on. Upload it again.`)
    }
    try {
      const range = { start: position - part.start, end: part.sizeInBytes - 1 }
      for await (const chunk of await blobs.open(part.blob, range)) {
        signal.throwIfAborted()
        position += chunk.length
        yield chunk
      }
    } catch (error) {
      signal.throwIfAborted()
      if (isDatabaseFailure(error) || (error instanceof AppError && error.code === 'BlobMissing')) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new AppError('StoreFailed', `${title} is in the store, but cannot be read there: ${reason}`, {
        cause: error,
        mayRecover: true,
      })
    }
  }
}
