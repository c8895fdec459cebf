import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import type { S3Bucket } from './s3-uploads.ts'

const GiB = 1024 ** 3

/**
 * Copies an object inside a bucket, on the side of the server. Larger ones than `wholeBytesMax` go in parts, which S3 demands above
 * 5 GiB (Amazon S3 API, CopyObject); they lose their metadata. Throws where the object changes meanwhile.
 */
export async function copyS3Object(
  { client, bucket, call }: Pick<S3Bucket, 'client' | 'bucket' | 'call'>,
  {
    from,
    to,
    wholeBytesMax = 5 * GiB,
    partBytes = GiB,
  }: { from: string; to: string; wholeBytesMax?: number; partBytes?: number },
): Promise<void> {
  const at = { Bucket: bucket, Key: to }
  const { ETag, ContentLength = 0 } = await call(`look for ${from}`, () =>
    client.send(new HeadObjectCommand({ Bucket: bucket, Key: from })),
  )
  const source = { CopySource: [bucket, ...from.split('/')].map(encodeURIComponent).join('/'), CopySourceIfMatch: ETag }
  if (ContentLength <= wholeBytesMax) {
    await call(`copy ${from} to ${to}`, () => client.send(new CopyObjectCommand({ ...at, ...source })))
    return
  }

  const { UploadId } = await call(`begin ${to}`, () => client.send(new CreateMultipartUploadCommand(at)))
  try {
    const Parts: CompletedPart[] = []
    for (let start = 0; start < ContentLength; start += partBytes) {
      const PartNumber = Parts.length + 1
      const end = Math.min(start + partBytes, ContentLength) - 1
      const { CopyPartResult } = await call(`copy part ${PartNumber} of ${from} to ${to}`, () =>
        client.send(
          new UploadPartCopyCommand({
            ...at,
            ...source,
            UploadId,
            PartNumber,
            CopySourceRange: `bytes=${start}-${end}`,
          }),
        ),
      )
      const { ETag: partETag, ChecksumCRC32 } = CopyPartResult ?? {}
      Parts.push({ PartNumber, ETag: partETag, ...(ChecksumCRC32 && { ChecksumCRC32 }) })
    }
    await call(`complete ${to}`, () =>
      client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } })),
    )
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => {})
    throw error
  }
}
