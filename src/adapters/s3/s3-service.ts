import type { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
} from '@aws-sdk/client-s3'
import { isNotThere } from '../object-store/call-store.ts'
import { itemsOf } from '../object-store/items-of.ts'
import type { ObjectService } from '../object-store/object-service.ts'
import { copyS3Object } from './s3-copy.ts'
import { type S3Bucket, s3Uploads, WRITER_TOKEN } from './s3-uploads.ts'

/** The objects of one bucket. */
export function s3Objects(at: S3Bucket & { title: string }): ObjectService {
  const { client, bucket, title, call } = at
  const { put, putInParts, abort } = s3Uploads(at)

  /** Of an upload that is not complete. S3 tells only when it was begun; the parts say when the last one came. Undefined if it is gone. */
  async function sumOfParts(key: string, UploadId: string | undefined) {
    const sum = { sizeInBytes: 0, lastPartAt: 0 }
    const parts = itemsOf(
      (PartNumberMarker: string | undefined) =>
        call(`list the parts of ${key}`, () =>
          client.send(new ListPartsCommand({ Bucket: bucket, Key: key, UploadId, PartNumberMarker })),
        ),
      (page) => ({ items: page.Parts, next: page.IsTruncated ? page.NextPartNumberMarker : undefined }),
    )
    try {
      for await (const { LastModified, Size = 0 } of parts) {
        sum.sizeInBytes += Size
        sum.lastPartAt = Math.max(sum.lastPartAt, LastModified?.getTime() ?? 0)
      }
      return sum
    } catch (error) {
      if (isNotThere(error)) return undefined
      throw error
    }
  }

  return {
    title,
    partDigest: 'sha256',
    partsMax: 10_000,

    put,
    putInParts,

    async find(key, options) {
      try {
        const head = await call(
          `look for ${key}`,
          () => client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })),
          options,
        )
        return { sizeInBytes: head.ContentLength ?? 0, writerToken: head.Metadata?.[WRITER_TOKEN] }
      } catch (error) {
        if (isNotThere(error)) return undefined
        throw error
      }
    },

    async get(key, { range, etag }) {
      const answer = await call(`read ${key}`, () =>
        client.send(
          new GetObjectCommand({
            Bucket: bucket,
            Key: key,
            ...(range && { Range: `bytes=${range.start}-${range.end}` }),
            ...(etag && { IfMatch: etag }),
          }),
        ),
      )
      const whole = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1] ?? answer.ContentLength
      return { sizeInBytes: Number(whole), etag: answer.ETag ?? '', bytes: answer.Body as Readable }
    },

    async *list(prefix) {
      const objects = itemsOf(
        (ContinuationToken: string | undefined) =>
          call(`list ${prefix || 'its objects'}`, () =>
            client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken })),
          ),
        (page) => ({ items: page.Contents, next: page.IsTruncated ? page.NextContinuationToken : undefined }),
      )
      for await (const { Key = '', Size = 0, LastModified } of objects) {
        yield { key: Key, sizeInBytes: Size, storedAt: LastModified?.getTime() ?? 0 }
      }
    },

    async delete(key) {
      await call(`delete ${key}`, () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })))
    },

    copy: (from, to) => copyS3Object({ client, bucket, call }, { from, to }),

    async *incomplete(prefix, { begunBefore = Number.POSITIVE_INFINITY } = {}) {
      const uploads = itemsOf(
        (after: { KeyMarker: string | undefined; UploadIdMarker: string | undefined } | undefined) =>
          call(`list what is incomplete under ${prefix || 'it'}`, () =>
            client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...after })),
          ),
        ({ Uploads, IsTruncated, NextKeyMarker, NextUploadIdMarker }) => ({
          items: Uploads,
          next: IsTruncated ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker } : undefined,
        }),
      )
      for await (const { Key: key = '', UploadId, Initiated } of uploads) {
        const begunAt = Initiated?.getTime() ?? 0
        const sum = begunAt > begunBefore ? undefined : await sumOfParts(key, UploadId)
        if (sum === undefined) continue
        yield {
          key,
          sizeInBytes: sum.sizeInBytes,
          touchedAt: Math.max(begunAt, sum.lastPartAt),
          async drop() {
            try {
              await abort(key, UploadId, { isRepeated: true })
              return true
            } catch (error) {
              if (isNotThere(error)) return false
              throw error
            }
          },
        }
      }
    },
  }
}
