import { CreateBucketCommand, ListObjectsV2Command, type S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import {
  type CallStore,
  callStore,
  STORE_PATIENCE,
  StoreCallFailed,
  type StorePatience,
} from '../object-store/call-store.ts'
import type { ObjectService } from '../object-store/object-service.ts'
import { storeTitle } from '../object-store/store-address.ts'
import { readS3Failure } from './read-s3-failure.ts'
import { makeS3Client } from './s3-client.ts'
import { s3Objects } from './s3-service.ts'

export interface S3Place {
  bucket: string
  /** Without slashes at its ends; empty for none. */
  prefix: string
  env?: NodeJS.ProcessEnv
  /** Instead of those of the AWS default chain. */
  credentials?: NonNullable<S3ClientConfig['credentials']>
  patience?: StorePatience
}

export interface OpenedBucket {
  service: ObjectService
  /** Makes the bucket unless it is there. Throws `StoreCallFailed` if it cannot be used. */
  makeIfMissing(): Promise<void>
}

/** Opens a bucket without asking for it. */
export async function openS3Bucket({
  bucket,
  prefix,
  env = process.env,
  credentials,
  patience = STORE_PATIENCE,
}: S3Place): Promise<OpenedBucket> {
  const title = storeTitle({ kind: 's3', bucket, prefix })
  const call = callStore({ title, read: readS3Failure }, patience)
  const client = makeS3Client(patience, { env, credentials })
  // The SDK reads AWS_REQUEST_CHECKSUM_CALCULATION and its like in profiles.
  const hasChecksums = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED'
  return {
    service: s3Objects({ client, bucket, title, hasChecksums, call }),
    makeIfMissing: () => makeBucketIfMissing({ client, bucket, prefix, call }),
  }
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
