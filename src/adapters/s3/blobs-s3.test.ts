import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { blobStoreContract } from '../../../tests/contracts/blob-store.contract.ts'
import { objectStoreFaults } from '../../../tests/contracts/object-store-faults.contract.ts'
import { type S3Server, startS3Server } from '../../../tests/support/s3-server.ts'
import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import { openS3Blobs, type S3Options } from './blobs-s3.ts'

let server: S3Server
before(async () => {
  server = await startS3Server()
})
after(() => server[Symbol.asyncDispose]())

blobStoreContract('S3', async () => {
  const store = await openS3Blobs({
    bucket: `b${randomBytes(8).toString('hex')}`,
    prefix: 'a/b',
    env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${server.port}` },
    credentials: server.key,
  })
  return { store, dispose: async () => {} }
})

objectStoreFaults('S3', async () => {
  const server = await startS3Server()
  return {
    port: server.port,
    open: ({ port, patience, place, prefix }) =>
      openS3Blobs({
        bucket: place,
        prefix,
        env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
        credentials: server.key,
        patience,
      }),
    isPart: ({ url }) => /partNumber=/.test(url),
    isCompletion: ({ method, url }) => method === 'POST' && /uploadId=/.test(url),
    tellsDamage: true,
    findsLeftovers: true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
})

const name: BlobName = `${'5e'.repeat(32)}.0a1b2c3d`

function newBucket(): string {
  return `b${randomBytes(8).toString('hex')}`
}

async function open(bucket: string, options: Partial<S3Options> = {}): Promise<BlobStore> {
  const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${server.port}` }
  return await openS3Blobs({ bucket, prefix: '', env, credentials: server.key, ...options })
}

async function put(store: BlobStore, blobName: BlobName, bytes: Uint8Array): Promise<void> {
  await using writer = await store.create({ name: blobName, sizeInBytes: bytes.length })
  await writer.write(bytes)
  await writer.commit()
}

test('a blob lies under the version of the layout and its name, behind the prefix if there is one', async () => {
  const bucket = newBucket()
  await put(await open(bucket), name, Buffer.from('bytes'))
  await put(await open(bucket, { prefix: 'a/b' }), name, Buffer.from('bytes'))
  assert.deepEqual(server.keys(bucket).objects, [`v1/${name}`, `a/b/v1/${name}`])
})

test('lists are read to their last page, and the objects of others are neither listed nor dropped', async () => {
  const bucket = newBucket()
  const store = await open(bucket)
  const names = Array.from({ length: 7 }, (_, index): BlobName => `${'5e'.repeat(32)}.0000000${index}`)
  for (const blobName of names) await put(store, blobName, Buffer.from('bytes'))
  const foreign = ['v1/notes.txt', `v1/sub/${name}`, `v2/${name}`, name]
  for (const key of foreign) server.put(bucket, key, Buffer.from('not ours'))
  server.pageItemsMax = 2
  try {
    assert.deepEqual(
      (await Array.fromAsync(store.list())).map((blob) => blob.name),
      names,
    )
    for (const blobName of names) {
      const writer = await (await open(bucket)).create({ name: blobName, sizeInBytes: 6_000_000 })
      await writer.write(Buffer.alloc(6_000_000))
    }
    assert.equal(await store.dropAbandoned(-60_000), 7)
    assert.deepEqual(server.keys(bucket).uploads, [])
  } finally {
    server.pageItemsMax = 1000
  }
  for (const blobName of names) await store.delete(blobName)
  assert.deepEqual(server.keys(bucket).objects, foreign)
})

test('a server that knows no conditions on writes is asked without them', async () => {
  const store = await open(newBucket())
  server.knowsConditions = false
  try {
    for (const [index, sizeInBytes] of [10, 6_000_000, 20].entries()) {
      const blobName: BlobName = `${'5e'.repeat(32)}.0000000${index}`
      await put(store, blobName, Buffer.alloc(sizeInBytes))
      assert.equal(await store.size(blobName), sizeInBytes)
    }
  } finally {
    server.knowsConditions = true
  }
})

test('a missing bucket is made only where that is allowed', async () => {
  const bucket = newBucket()
  const guest = { accessKeyId: 'AKIAGUEST', secretAccessKey: 'not that secret' }
  server.allow(guest)
  await assert.rejects(open(bucket, { credentials: guest }), {
    code: 'StoreFailed',
    message: new RegExp(
      `s3://${bucket} could not make its bucket ${bucket}, which is missing: it answered 403 AccessDenied`,
    ),
  })
  await open(bucket)
  await put(await open(bucket, { credentials: guest }), name, Buffer.from('bytes'))
})

test('wrong credentials are an error at once, which has nothing secret in it', async () => {
  const { accessKeyId, secretAccessKey } = server.key
  for (const [credentials, code] of [
    [{ accessKeyId, secretAccessKey: 'WRONG-SECRET' }, 'SignatureDoesNotMatch'],
    [{ accessKeyId: 'AKIANOBODY', secretAccessKey }, 'InvalidAccessKeyId'],
  ] as const) {
    await assert.rejects(open(newBucket(), { credentials }), (error: Error) => {
      assert.match(error.message, new RegExp(`could not be opened: it answered 403 ${code}\\. Check the credentials`))
      assert.doesNotMatch(JSON.stringify({ ...error, stack: error.stack }), /WRONG-SECRET|Signature=|secret text/)
      assert.equal(error.cause, undefined)
      return true
    })
  }
})

test('credentials come from the default chain of AWS', async () => {
  const bucket = newBucket()
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: server.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.key.secretAccessKey,
  })
  try {
    const store = await openS3Blobs({
      bucket,
      prefix: '',
      env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${server.port}` },
    })
    await put(store, name, Buffer.from('bytes'))
    assert.deepEqual(server.keys(bucket).objects, [`v1/${name}`])
  } finally {
    restore({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
  }
})

test('checksums beside the digest are left out where the environment says so', async () => {
  const bucket = newBucket()
  const checksums: boolean[] = []
  server.onPut = ({ headers }) => checksums.push(headers['x-amz-checksum-crc32'] !== undefined)
  const { AWS_REQUEST_CHECKSUM_CALCULATION } = process.env
  try {
    await put(await open(bucket), name, Buffer.alloc(6_000_000))
    process.env.AWS_REQUEST_CHECKSUM_CALCULATION = 'WHEN_REQUIRED'
    await put(await open(bucket, { prefix: 'b' }), name, Buffer.alloc(6_000_000))
    assert.deepEqual(checksums.slice(1), [true, true, false, false])
  } finally {
    server.onPut = () => {}
    restore({ AWS_REQUEST_CHECKSUM_CALCULATION })
  }
})

function restore(variables: Record<string, string | undefined>): void {
  for (const [variable, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[variable]
    else process.env[variable] = value
  }
}
