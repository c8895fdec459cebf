import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import { distributionStoreContract } from '../../../tests/contracts/distribution-store.contract.ts'
import { type S3Server, startS3Server } from '../../../tests/support/s3-server.ts'
import { contentHeaders } from '../../domain/content-headers.ts'
import { newContentId } from '../../domain/distribution.ts'
import type { DistributionStore } from '../../ports/distribution-store.ts'
import { STORE_PATIENCE } from '../object-store/call-store.ts'
import { openS3Copies } from './copies-s3.ts'
import { makeS3Client } from './s3-client.ts'

const MiB = 1024 * 1024

let server: S3Server
before(async () => {
  server = await startS3Server()
})
after(() => server[Symbol.asyncDispose]())

function newBucket(): string {
  return `b${randomBytes(8).toString('hex')}`
}

function access() {
  return { env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${server.port}` }, credentials: server.key }
}

async function open(bucket: string, prefix: string): Promise<DistributionStore> {
  return await openS3Copies({ bucket, prefix, ...access() })
}

async function put(store: DistributionStore, fileName: string, bytes = Buffer.from('bytes')): Promise<string> {
  const path = `${newContentId()}/${fileName}`
  await store.put({ path, fileName, sizeInBytes: bytes.length, sha256: '' }, only(bytes))
  return path
}

async function* only(bytes: Uint8Array) {
  yield bytes
}

for (const prefix of ['', 'a/b']) {
  distributionStoreContract(prefix === '' ? 'S3' : 'S3 with a prefix', async () => {
    const bucket = newBucket()
    const folder = prefix === '' ? '' : `${prefix}/`
    const store = await open(bucket, prefix)
    await (await open(bucket, prefix)).delete(await put(store, 'first'))
    return {
      store,
      download: async (path) => server.object(bucket, folder + path)?.bytes,
      place: async (path, bytes) => server.put(bucket, folder + path, bytes),
      paths: async () => server.keys(bucket).objects.map((key) => key.slice(folder.length)),
      dispose: async () => assert.deepEqual(server.keys(bucket).uploads, [], 'no parts are left'),
    }
  })
}

test('a copy in a bucket is downloaded with the headers of the server itself, whether it was written in parts or not', async () => {
  const bucket = newBucket()
  const store = await open(bucket, '')
  for (const sizeInBytes of [10, 6 * MiB]) {
    const path = await put(store, 'a  b ü".bin', Buffer.alloc(sizeInBytes))
    const { 'x-amz-meta-aduana-writer': _, ...headers } = server.object(bucket, path)?.headers ?? {}
    assert.deepEqual(headers, contentHeaders('a  b ü".bin'))
  }
})

test('a bucket that is missing is empty, and is made for the first copy, as often as it is deleted', async () => {
  const bucket = newBucket()
  const store = await open(bucket, 'cdn')
  for (const fileName of ['one', 'two']) {
    assert.deepEqual(await Array.fromAsync(store.list()), [])
    const path = `${newContentId()}/${fileName}`
    assert.equal(await store.size(path), undefined)
    await store.delete(path)
    const stored = await put(store, fileName)
    assert.deepEqual(server.keys(bucket).objects, [`cdn/${stored}`])
    server.deleteBucket(bucket)
  }
})

test('uploads of copies that nobody has gone on with for a day are dropped, those of others and younger ones are not', async () => {
  const bucket = newBucket()
  const store = await open(bucket, '')
  await put(store, 'a.bin')
  const client = makeS3Client(STORE_PATIENCE, access())
  const begin = (Key: string) => client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
  const [old, young] = [`${newContentId()}/old`, `${newContentId()}/young`]
  for (const key of [old, 'others/old']) await begin(key)
  server.age(bucket, 25 * 3600 * 1000)
  await begin(young)
  assert.equal((await Array.fromAsync(store.list())).length, 1)
  assert.deepEqual(server.keys(bucket).uploads, ['others/old', young])
})

test('a bucket that cannot be used is an error, not an empty one', async () => {
  const credentials = { ...server.key, secretAccessKey: 'wrong' }
  const store = await openS3Copies({ bucket: newBucket(), prefix: '', ...access(), credentials })
  const refused = { code: 'StoreFailed', message: /403/ }
  await assert.rejects(Array.fromAsync(store.list()), refused)
  await assert.rejects(store.size(`${newContentId()}/a.bin`), refused)
  await assert.rejects(put(store, 'a.bin'), refused)
})

test('a path that is none of a copy is refused', async () => {
  const store = await open(newBucket(), 'cdn')
  for (const path of ['a.bin', `${newContentId()}/..`, `${newContentId()}/.`, `../${newContentId()}/a`]) {
    const copy = { path, fileName: 'a.bin', sizeInBytes: 5, sha256: '' }
    await assert.rejects(store.put(copy, only(Buffer.from('bytes'))), TypeError)
    await assert.rejects(store.size(path), TypeError)
    await assert.rejects(store.delete(path), TypeError)
  }
})
