import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { storeUpkeepContract } from '../../../tests/contracts/store-upkeep.contract.ts'
import { type S3Server, startS3Server } from '../../../tests/support/s3-server.ts'
import { callStore, STORE_PATIENCE } from '../object-store/call-store.ts'
import { openS3Blobs, openS3Upkeep } from './blobs-s3.ts'
import { readS3Failure } from './read-s3-failure.ts'
import { makeS3Client } from './s3-client.ts'
import { copyS3Object } from './s3-copy.ts'

const MiB = 1024 * 1024

let server: S3Server
let env: NodeJS.ProcessEnv
let client: S3Client
before(async () => {
  server = await startS3Server()
  env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${server.port}` }
  client = makeS3Client(STORE_PATIENCE, { env, credentials: server.key })
})
after(() => server[Symbol.asyncDispose]())

storeUpkeepContract('S3', async () => {
  const options = { bucket: newBucket(), prefix: 'a/b', env, credentials: server.key }
  return {
    store: await openS3Blobs(options),
    other: await openS3Blobs(options),
    upkeep: await openS3Upkeep(options),
    ofNothing: await openS3Upkeep({ ...options, bucket: 'nothing' }),
    readDamaged: (name) => read(options.bucket, `a/b/damaged/${name}`),
    dispose: async () => {},
  }
})

test('an object that is too large to be copied at once is copied in parts, and dropped if one fails', async () => {
  const bucket = newBucket()
  await openS3Blobs({ bucket, prefix: '', env, credentials: server.key })
  const call = callStore({ title: 's3://it', read: readS3Failure }, { ...STORE_PATIENCE, pausesMs: [] })
  const bytes = randomBytes(17 * MiB + 3)
  server.put(bucket, 'a+b/from', bytes)
  server.copyBytesMax = 5 * MiB
  const sizes = { wholeBytesMax: 5 * MiB, partBytes: 6 * MiB }
  await copyS3Object({ client, bucket, call }, { from: 'a+b/from', to: 'a+b/to', ...sizes })
  assert.ok(bytes.equals(await read(bucket, 'a+b/to')))

  server.onPut = (request) => {
    if (/partNumber=2/.test(request.url ?? '')) request.socket.destroy()
  }
  await assert.rejects(copyS3Object({ client, bucket, call }, { from: 'a+b/from', to: 'a+b/other', ...sizes }))
  server.onPut = () => {}
  assert.deepEqual(server.keys(bucket), { objects: ['a+b/from', 'a+b/to'], uploads: [] })
})

async function read(bucket: string, key: string): Promise<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  return (await Body?.transformToByteArray()) ?? assert.fail(`${key} is empty`)
}

function newBucket(): string {
  return `b${randomBytes(8).toString('hex')}`
}
