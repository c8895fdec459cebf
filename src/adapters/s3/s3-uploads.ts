import { crc32 } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { type CallStore, isStatus } from '../object-store/call-store.ts'
import type { ObjectService, ObjectToWrite, Part, PartsUpload } from '../object-store/object-service.ts'
import { sendBody } from '../object-store/send-body.ts'

/** In the metadata of every object; S3 knows it as `x-amz-meta-aduana-writer`. */
export const WRITER_TOKEN = 'aduana-writer'

const CONTENT_TYPE = 'application/octet-stream'

export interface S3Bucket {
  client: S3Client
  bucket: string
  hasChecksums: boolean
  call: CallStore
}

export interface S3Uploads extends Pick<ObjectService, 'put' | 'putInParts'> {
  /** Drops an upload in parts that was not completed. */
  abort(key: string, uploadId: string | undefined, options: { isRepeated: boolean }): Promise<void>
}

/**
 * How objects get into one bucket.
 *
 * Each part carries its SHA-256, which its signature covers, and its CRC32, which Amazon keeps with it: servers that look at only one of
 * them notice a damaged part too. Those that refuse to be given the second are spared it where `hasChecksums` is false.
 */
export function s3Uploads({ client, bucket, hasChecksums, call }: S3Bucket): S3Uploads {
  const newObject = ({ key, writerToken, headers }: ObjectToWrite) => ({
    Bucket: bucket,
    Key: key,
    ContentType: headers?.['content-type'] ?? CONTENT_TYPE,
    ...(headers && { CacheControl: headers['cache-control'], ContentDisposition: headers['content-disposition'] }),
    Metadata: { [WRITER_TOKEN]: writerToken },
  })

  const lengthAndChecksum = ({ bytes }: Part) => ({
    ContentLength: bytes.length,
    ...(hasChecksums && { ChecksumCRC32: crc32Of(bytes) }),
  })

  /** Until the server says that it does not know the condition. */
  let isConditionKnown = true

  /** Sends a request that creates an object; one that replaces nothing only where there is none, on servers that know how. */
  async function create<T>(
    { isReplacement = false }: ObjectToWrite,
    send: (condition: { IfNoneMatch?: '*' }) => Promise<T>,
  ): Promise<T> {
    if (isReplacement || !isConditionKnown) return await send({})
    try {
      return await send({ IfNoneMatch: '*' })
    } catch (error) {
      if (!isStatus(error, 501)) throw error
      isConditionKnown = false
      return await send({})
    }
  }

  async function putInParts(object: ObjectToWrite, signal: AbortSignal): Promise<PartsUpload> {
    const { key } = object
    const at = { Bucket: bucket, Key: key }
    const { UploadId } = await call(
      `begin ${key}`,
      () =>
        client.send(
          new CreateMultipartUploadCommand({
            ...newObject(object),
            ...(hasChecksums && { ChecksumAlgorithm: 'CRC32' }),
          }),
          { abortSignal: signal },
        ),
      { signal },
    )
    const parts: CompletedPart[] = []

    return {
      async put(number, part, signal) {
        const { ETag, ChecksumCRC32 } = await call(
          `write part ${number} of ${key}`,
          () =>
            sendBody(part.bytes, (Body) => {
              const command = new UploadPartCommand({
                ...at,
                UploadId,
                PartNumber: number,
                Body,
                ...lengthAndChecksum(part),
              })
              return client.send(signedAs(command, part), { abortSignal: signal })
            }),
          { signal },
        )
        parts.push({ PartNumber: number, ETag, ...(ChecksumCRC32 && { ChecksumCRC32 }) })
      },
      async complete() {
        const inOrder = parts.toSorted((one, other) => (one.PartNumber ?? 0) - (other.PartNumber ?? 0))
        await create(object, (condition) =>
          call(`complete ${key}`, () =>
            client.send(
              new CompleteMultipartUploadCommand({
                ...at,
                UploadId,
                MultipartUpload: { Parts: inOrder },
                ...condition,
              }),
            ),
          ),
        )
      },
      async drop() {
        await abort(key, UploadId, { isRepeated: false })
      },
    }
  }

  async function abort(
    key: string,
    UploadId: string | undefined,
    { isRepeated }: { isRepeated: boolean },
  ): Promise<void> {
    await call(
      `drop the parts of ${key}`,
      () => client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId })),
      { isRepeated },
    )
  }

  return {
    abort,
    putInParts,
    async put(object, whole, signal) {
      const { key } = object
      await create(object, (condition) =>
        call(
          `write ${key}`,
          () =>
            sendBody(whole.bytes, (Body) => {
              const command = new PutObjectCommand({
                ...newObject(object),
                Body,
                ...lengthAndChecksum(whole),
                ...condition,
              })
              return client.send(signedAs(command, whole), { abortSignal: signal })
            }),
          { signal },
        ),
      )
    },
  }
}

function crc32Of(bytes: Uint8Array): string {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(bytes))
  return checksum.toString('base64')
}

/** The parts that were hashed already need not be hashed once more for the signature. */
function signedAs<C extends UploadPartCommand | PutObjectCommand>(command: C, { digest }: Part): C {
  // The stacks of both commands take this; their types differ in what they do not look at.
  const stack = command.middlewareStack as UploadPartCommand['middlewareStack']
  stack.add(
    (next) => (args) => {
      const request = args.request as { headers: Record<string, string> }
      request.headers['x-amz-content-sha256'] = Buffer.from(digest, 'base64').toString('hex')
      return next(args)
    },
    { step: 'build', name: 'signedAs' },
  )
  return command
}
