import { S3ServiceException } from '@aws-sdk/client-s3'
import { isPassing, type RequestFailure, reasonOf } from '../object-store/call-store.ts'

const TRANSIENT = new Set([
  // The bytes came damaged, or not all of them.
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
  // Another request for the same key is on its way.
  'ConditionalRequestConflict',
  'OperationAborted',
  // The SDK has set its clock right by now.
  'RequestTimeTooSkewed',
])

/** What an error of the AWS SDK says. Messages of the store are left out: they repeat what was signed. */
export function readS3Failure(error: unknown): RequestFailure {
  if (error instanceof S3ServiceException) {
    const { httpStatusCode: status, requestId } = error.$metadata
    const region = error.$response?.headers['x-amz-bucket-region']
    const retryAfter = Number(error.$response?.headers['retry-after'])
    return {
      status,
      // The SDK would follow to the bucket's own region, but send there what is left of a body that it has sent already.
      reason:
        status === 301 && region ? `${error.name}; the bucket is in ${region}, as AWS_REGION should say` : error.name,
      requestId,
      ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1000 }),
      ...(TRANSIENT.has(error.name) && { isTransient: true }),
    }
  }
  const { name, code } = error as { name?: string; code?: unknown }
  // Without a code of the operating system it is about credentials or settings, which do not get better by themselves.
  const isTransient = name === 'TimeoutError' || (typeof code === 'string' && isPassing(code))
  const reason = reasonOf(error).replace(/^Region is missing$/, 'no region is known; name one in AWS_REGION')
  return { status: undefined, reason, isTransient }
}
