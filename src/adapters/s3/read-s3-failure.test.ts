import assert from 'node:assert/strict'
import { test } from 'node:test'
import { S3ServiceException } from '@aws-sdk/client-s3'
import { readS3Failure } from './read-s3-failure.ts'

function answered(name: string, httpStatusCode: number, headers: Record<string, string> = {}) {
  const error = new S3ServiceException({ name, $fault: 'server', $metadata: { httpStatusCode, requestId: '42' } })
  return Object.assign(error, { $response: { statusCode: httpStatusCode, headers } })
}

test('an answer is told by its status and code, and when to come again', () => {
  assert.deepEqual(readS3Failure(answered('SlowDown', 503, { 'retry-after': '2' })), {
    status: 503,
    reason: 'SlowDown',
    requestId: '42',
    retryAfterMs: 2000,
  })
  assert.equal(readS3Failure(answered('BadDigest', 400)).isTransient, true)
})

test('a bucket in another region is told with the name of the region', () => {
  const { reason } = readS3Failure(answered('PermanentRedirect', 301, { 'x-amz-bucket-region': 'eu-west-3' }))
  assert.equal(reason, 'PermanentRedirect; the bucket is in eu-west-3, as AWS_REGION should say')
})

test('without an answer it depends on whether the connection failed, or what should be known before', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
  assert.equal(readS3Failure(refused).isTransient, true)
  assert.equal(readS3Failure(Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' })).isTransient, false)
  assert.deepEqual(readS3Failure(new Error('Region is missing')), {
    status: undefined,
    reason: 'no region is known; name one in AWS_REGION',
    isTransient: false,
  })
})
