import type { Readable } from 'node:stream'
import Type from 'typebox'
import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { ownerOf, type StagedUpload } from '../../domain/staged-upload.ts'
import { wireTime } from '../../domain/times.ts'
import type { Staging } from '../../services/staging/staging.ts'
import { json } from '../calls/answers.ts'
import type { Answer, ApiRoute, Call } from '../calls/call.ts'
import { cutPage, nextLink, PAGE_SIZE, pageTokenReader } from '../calls/paging.ts'
import { describe, listed } from '../route-schemas.ts'
import { OFFSET_OCTETS, StagedFile, tusSchemas } from './staging-schemas.ts'

const TUS_VERSION = '1.0.0'

const closed = { additionalProperties: false }

const readToken = pageTokenReader(
  Type.Object(
    {
      after: Type.Object(
        { createdAt: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), id: Type.String() },
        closed,
      ),
    },
    closed,
  ),
)

/**
 * Uploads by tus 1.0.0 (core, creation, creation-with-upload, expiration, termination), and the list of them. Where an upload ends is kept
 * by the catalogue, so the requests of one upload may come to different nodes.
 */
export function stagingRoutes(staging: Staging): ApiRoute[] {
  const shared = { permission: 'updates/write', headers: { 'tus-resumable': TUS_VERSION } } as const

  async function append(call: Call, { id, offset }: { id: string; offset: number }): Promise<StagedUpload> {
    const body = call.body as Readable
    try {
      return await staging.append(id, ownerOf(call), { offset, body })
    } finally {
      drain(body)
    }
  }

  return [
    {
      ...shared,
      method: 'OPTIONS',
      path: '/staging',
      schema: tusSchemas.options,
      handle: async () => ({
        status: 204,
        headers: {
          'tus-version': TUS_VERSION,
          'tus-extension': 'creation,creation-with-upload,expiration,termination',
          'tus-max-size': String(LIMITS.fileBytesMax),
        },
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/staging',
      schema: describe(
        {
          operationId: 'Staging_List',
          summary: 'List staged uploads',
          description: 'Those of the caller in this instance, newest first.',
        },
        listed(StagedFile),
      ),
      async handle({ query, ...call }) {
        const after = readToken(query.skipToken)?.after
        const { shown, last } = cutPage(await staging.list(ownerOf(call), { after, limit: PAGE_SIZE + 1 }))
        return json({
          value: shown.map(({ id, fileName, sizeInBytes, bytesReceived, expiresAt }) => ({
            id,
            fileName,
            sizeInBytes,
            bytesReceived,
            expiresDateTime: wireTime(expiresAt),
          })),
          nextLink: last && nextLink({ ...call, query }, { after: { createdAt: last.createdAt, id: last.id } }),
        })
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/staging',
      schema: tusSchemas.create,
      async handle(call) {
        checkVersion(call)
        for (const name of ['Upload-Defer-Length', 'Upload-Concat']) {
          if (call.header(name) !== undefined) {
            throw new AppError('InvalidRequest', `${name} is an extension of tus that is not offered here.`, {
              target: name,
            })
          }
        }
        const { instance, caller } = call
        const sizeInBytes = readCount(call, 'Upload-Length')
        const hasBody = isOctets(call)
        if (hasBody) checkLength(call, { offset: 0, sizeInBytes })
        const metadata = call.header('Upload-Metadata') ?? ''
        const created = await staging.create({ instance, caller, sizeInBytes, metadata })
        const location = `${call.url.split('?', 1)[0]?.replace(/\/$/, '')}/${created.id}`
        const upload = hasBody ? await appendFirst(call, created) : created
        return {
          status: 201,
          headers: {
            location,
            ...expiresHeader(upload),
            ...(hasBody && { 'upload-offset': String(upload.bytesReceived) }),
            'content-length': '0',
          },
        }
      },
    },
    {
      ...shared,
      method: 'HEAD',
      path: '/staging/:uploadId',
      schema: tusSchemas.head,
      async handle(call) {
        checkVersion(call)
        const upload = await staging.find(idOf(call), ownerOf(call))
        return {
          status: 200,
          headers: {
            'upload-offset': String(upload.bytesReceived),
            'upload-length': String(upload.sizeInBytes),
            ...(upload.metadata !== '' && { 'upload-metadata': upload.metadata }),
            ...expiresHeader(upload),
            'cache-control': 'no-store',
          },
        }
      },
    },
    {
      ...shared,
      method: 'PATCH',
      path: '/staging/:uploadId',
      schema: tusSchemas.patch,
      async handle(call) {
        checkVersion(call)
        if (!isOctets(call)) throw wrongType()
        const id = idOf(call)
        const offset = readCount(call, 'Upload-Offset')
        checkLength(call, { offset, ...(await staging.find(id, ownerOf(call))) })
        const upload = await append(call, { id, offset })
        return {
          status: 204,
          headers: { 'upload-offset': String(upload.bytesReceived), ...expiresHeader(upload) },
        }
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/staging/:uploadId',
      schema: tusSchemas.remove,
      async handle(call): Promise<Answer> {
        checkVersion(call)
        await staging.remove({ id: idOf(call), ...call })
        return { status: 204 }
      },
    },
  ]

  /** The upload is there by now, so its address has to be told, whatever becomes of its first bytes. */
  async function appendFirst(call: Call, created: StagedUpload): Promise<StagedUpload> {
    try {
      return await append(call, { id: created.id, offset: 0 })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return await staging.find(created.id, ownerOf(call))
    }
  }
}

/** Reads on what nobody takes any more: a client that cannot send might not hear the answer, or wait with its next request. */
function drain(body: Readable): void {
  // Whoever read it until now may still be waiting for more, and a stream that has such a reader does not flow.
  body.removeAllListeners('readable')
  setImmediate(() => body.resume())
}

function idOf({ params }: Call): string {
  return params.uploadId ?? ''
}

function checkVersion(call: Call): void {
  const version = call.header('Tus-Resumable')
  if (version === TUS_VERSION) return
  throw new AppError(
    'TusVersionUnsupported',
    version === undefined
      ? `The request lacks the header Tus-Resumable: ${TUS_VERSION}.`
      : `Tus-Resumable is ${JSON.stringify(version.slice(0, 50))}; here tus ${TUS_VERSION} is spoken.`,
    { target: 'Tus-Resumable' },
  )
}

function readCount(call: Call, name: string): number {
  const text = call.header(name) ?? ''
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new AppError('InvalidRequest', `The header ${name} must be there, and be a number of bytes.`, { target: name })
}

/** Refuses what is said to be too long before a byte of it is read. */
function checkLength(call: Call, { offset, sizeInBytes }: { offset: number; sizeInBytes: number }): void {
  const bytes = Number(call.header('Content-Length') ?? 0)
  if (offset + bytes <= sizeInBytes) return
  throw new AppError(
    'UploadTooLarge',
    `${bytes} bytes from byte ${offset} on are more than the ${sizeInBytes} that the upload has.`,
    { target: 'Content-Length' },
  )
}

function isOctets({ header }: Call): boolean {
  return header('Content-Type')?.toLowerCase().split(';', 1)[0]?.trim() === OFFSET_OCTETS
}

export function wrongType(): AppError {
  return new AppError('UnsupportedMediaType', `The body must be sent with Content-Type: ${OFFSET_OCTETS}.`)
}

function expiresHeader({ expiresAt }: StagedUpload): Record<string, string> {
  return { 'upload-expires': new Date(expiresAt).toUTCString() }
}
