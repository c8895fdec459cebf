import type { StartDigest } from '../../ports/digest.ts'
import type { DistributionStore } from '../../ports/distribution-store.ts'
import { objectCopies } from '../object-store/distribution-object-store.ts'
import { openS3Bucket, type S3Place } from './s3-bucket.ts'

/** A distribution store in a bucket of Amazon S3, or of a server that speaks like it, which may be away just now. */
export async function openS3Copies(
  options: S3Place & { startDigest?: StartDigest | undefined },
): Promise<DistributionStore> {
  const { service, makeIfMissing } = await openS3Bucket(options)
  const { prefix, startDigest } = options
  return objectCopies(service, { prefix, makeIfMissing, keepsParts: true, startDigest })
}
