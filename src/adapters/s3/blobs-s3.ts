import { CreateBucketCommand, ListObjectsV2Command, type S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { StartDigest } from '../../ports/digest.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import { objectBlobs } from '../object-store/blobs-object-store.ts'
import {
  type CallStore,
  callStore,
  STORE_PATIENCE,
  StoreCallFailed,
  type StorePatience,
} from '../object-store/call-store.ts'
import { storeTitle } from '../object-store/store-address.ts'
import { objectUpkeep } from '../object-store/upkeep-object-store.ts'
import { readS3Failure } from './read-s3-failure.ts'
import { makeS3Client } from './s3-client.ts'
import { s3Objects } from './s3-service.ts'

export interface S3Options {
  bucket: string
  /** Without slashes at its ends; empty for none. */
  prefix: string
  env?: NodeJS.ProcessEnv
  /** Instead of those of the AWS default chain. */
  credentials?: NonNullable<S3ClientConfig['credentials']>
  startDigest?: StartDigest | undefined
  patience?: StorePatience
}

/**
 * Keeps blobs in a bucket of Amazon S3, or of a server that speaks like it. The bucket is made if it is missing and the credentials allow
 * it. Throws `StoreCallFailed` if the store cannot be used.
 */
export async function openS3Blobs(options: S3Options): Promise<BlobStore> {
  const { bucket, prefix, startDigest, patience = STORE_PATIENCE } = options
  const { client, call, service } = await s3ServiceOf(options)
  await makeBucketIfMissing({ client, bucket, prefix, call })
  return objectBlobs(service, { prefix, patience, startDigest })
}

/** Looks after the store that `openS3Blobs` opens, and makes nothing. */
export async function openS3Upkeep(options: S3Options): Promise<StoreUpkeep> {
  return objectUpkeep((await s3ServiceOf(options)).service, options)
}

async function s3ServiceOf({ bucket, prefix, env = process.env, credentials, patience = STORE_PATIENCE }: S3Options) {
  const title = storeTitle({ kind: 's3', bucket, prefix })
  const call = callStore({ title, read: readS3Failure }, patience)
  const client = makeS3Client(patience, { env, credentials })
  // The SDK reads AWS_REQUEST_CHECKSUM_CALCULATION and its like in profiles.
  const hasChecksums = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED'
  return { client, call, service: s3Objects({ client, bucket, title, hasChecksums, call }) }
}

/** Looks into the bucket as the store does later, so that missing rights show at the start. */
async function makeBucketIfMissing({
  client,
  bucket,
  prefix,
  call,
}: {
  client: S3Client
  bucket: string
  prefix: string
  call: CallStore
}): Promise<void> {
  const look = () =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix === '' ? '' : `${prefix}/`, MaxKeys: 1 }))
  try {
    await call('be opened', look)
  } catch (error) {
    if (!(error instanceof StoreCallFailed && error.status === 404)) throw error
    await call(`make its bucket ${bucket}, which is missing`, () =>
      client.send(new CreateBucketCommand({ Bucket: bucket })),
    ).catch((failed: unknown) => {
      // Another node was first.
      if (!(failed instanceof StoreCallFailed && failed.reason === 'BucketAlreadyOwnedByYou')) throw failed
    })
  }
}
