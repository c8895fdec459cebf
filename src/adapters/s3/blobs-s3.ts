import type { BlobStore } from '../../ports/blob-store.ts'
import type { StartDigest } from '../../ports/digest.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import { objectBlobs } from '../object-store/blobs-object-store.ts'
import { STORE_PATIENCE } from '../object-store/call-store.ts'
import { objectUpkeep } from '../object-store/upkeep-object-store.ts'
import { openS3Bucket, type S3Place } from './s3-bucket.ts'

export interface S3Options extends S3Place {
  startDigest?: StartDigest | undefined
}

/**
 * Keeps blobs in a bucket of Amazon S3, or of a server that speaks like it. The bucket is made if it is missing and the credentials allow
 * it. Throws `StoreCallFailed` if the store cannot be used.
 */
export async function openS3Blobs(options: S3Options): Promise<BlobStore> {
  const { prefix, startDigest, patience = STORE_PATIENCE } = options
  const { service, makeIfMissing } = await openS3Bucket(options)
  await makeIfMissing()
  return objectBlobs(service, { prefix, patience, startDigest })
}

/** Looks after the store that `openS3Blobs` opens, and makes nothing. */
export async function openS3Upkeep(options: S3Options): Promise<StoreUpkeep> {
  return objectUpkeep((await openS3Bucket(options)).service, options)
}
