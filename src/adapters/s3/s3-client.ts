import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { StorePatience } from '../object-store/call-store.ts'
import { watchedAgents } from '../object-store/watched-agents.ts'

/** Servers that are not Amazon's mostly have no regions, and take this one. */
const REGION_OF_OTHERS = 'us-east-1'

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/**
 * A client with the credentials and the region of the AWS default chain: environment, profiles, web identity, the machine's role. It goes
 * to `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` where one is set, and then names buckets in the path, as other servers expect.
 */
export function makeS3Client(
  patience: StorePatience,
  { env, ...config }: { env: NodeJS.ProcessEnv; credentials?: NonNullable<S3ClientConfig['credentials']> | undefined },
): S3Client {
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || (endpoint && REGION_OF_OTHERS)
  const agents = watchedAgents(patience)
  return new S3Client({
    ...(config.credentials && { credentials: config.credentials }),
    ...(endpoint && { endpoint, forcePathStyle: true }),
    ...(region && { region }),
    requestHandler: { httpAgent: agents.http, httpsAgent: agents.https },
    // What is tried again is decided in one place for all stores, and the SDK need not print that it does not.
    maxAttempts: 1,
    logger: SILENT,
    // Every part would be sent over a connection of its own.
    expectContinueHeader: false,
    // Ranges have no checksum, and the whole body would go through another stream, which keeps its connection when it is left.
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}
