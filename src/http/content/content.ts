import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { contentHeaders } from '../../domain/content-headers.ts'
import { AppError } from '../../domain/errors.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { findContent } from '../../store/updates/files.ts'
import { matches } from '../calls/answers.ts'
import { contentSchema } from '../route-schemas.ts'
import { readByteRange } from './byte-range.ts'

/** The template of the address. */
export const CONTENT_PATH = '/content/:contentId/:fileName'

/**
 * Serves the imported bytes to devices, at `/content/{32 hex}/{fileName}`. There is no token: the address cannot be guessed. There is
 * no redirect either, since the reference agent follows none. The headers keep a browser from running what it gets.
 */
export function serveContent(
  app: FastifyInstance,
  { database, blobs }: { database: Database; blobs: BlobStore },
): void {
  // HEAD by hand: the framework's own would say that every file is empty.
  app.get(CONTENT_PATH, { schema: contentSchema, exposeHeadRoute: false }, answer)
  app.head(CONTENT_PATH, { schema: { hide: true } as object }, answer)

  async function answer(request: FastifyRequest, reply: FastifyReply) {
    const params = request.params as { contentId: string; fileName: string }
    const content = await findContent(database, params.contentId.toLowerCase())
    // Some tools lower-case file names; the address is unguessable without it.
    if (content?.fileName.toLowerCase() !== params.fileName.toLowerCase()) {
      throw new AppError('NotFound', 'There is no content at this address.')
    }
    if (content.scanResult === 'Infected') throw new AppError('NotFound', 'This content was withdrawn.')
    const { sizeInBytes, sha256, blob, fileName } = content
    const etag = `"${sha256}"`
    const headers = {
      etag,
      'accept-ranges': 'bytes',
      ...contentHeaders(fileName),
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
    }
    if (matches(etag, request.headers['if-none-match'])) return reply.code(304).headers(headers).send()

    if (request.method === 'HEAD') {
      const storedBytes = await blobs.size(blob).catch(refuse)
      if (storedBytes === undefined) throw new AppError('BlobMissing', 'The bytes are not in the store.')
      return reply.headers(headers).header('content-length', sizeInBytes).send()
    }
    const ifRange = request.headers['if-range']
    const range =
      ifRange === undefined || ifRange === etag ? readByteRange(request.headers.range, sizeInBytes) : undefined
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${sizeInBytes}`)
      throw new AppError('RangeNotSatisfiable', `The file has ${sizeInBytes} bytes.`)
    }
    // Opened before the headers are set: a problem must not carry those of the file.
    const bytes = await blobs.open(blob, range).catch(refuse)
    reply.headers(headers)
    const { start, end } = range ?? { start: 0, end: sizeInBytes - 1 }
    if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end}/${sizeInBytes}`)
    return reply.header('content-length', end - start + 1).send(Readable.from(bytes, { objectMode: false }))
  }
}

/** Who downloads has no token, and need not know where the bytes lie. */
function refuse(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'StoreFailed') throw error
  throw new AppError('Unavailable', 'The bytes cannot be read at this moment.', { cause: error })
}
