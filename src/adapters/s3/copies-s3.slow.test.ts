// The same promises as in copies-s3.test.ts, kept by a server that was not written for these tests.
import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { distributionStoreContract } from '../../../tests/contracts/distribution-store.contract.ts'
import { testOnMinio } from '../../../tests/support/minio.ts'
import { STORE_PATIENCE } from '../object-store/call-store.ts'
import { openS3Copies } from './copies-s3.ts'
import { makeS3Client } from './s3-client.ts'

testOnMinio('distribution stores in MinIO', (minio) => {
  distributionStoreContract('MinIO', async () => {
    const access = { env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${minio().port}` }, credentials: minio().key }
    const client = makeS3Client(STORE_PATIENCE, access)
    const bucket = `b${randomBytes(8).toString('hex')}`
    const at = (path: string) => ({ Bucket: bucket, Key: `a/b/${path}` })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    return {
      store: await openS3Copies({ bucket, prefix: 'a/b', ...access }),
      async download(path) {
        const answer = await client.send(new GetObjectCommand(at(path))).catch(() => undefined)
        return answer && (await buffer(answer.Body as Readable))
      },
      async place(path, bytes) {
        await client.send(new PutObjectCommand({ ...at(path), Body: bytes }))
      },
      async paths() {
        const pages = await Array.fromAsync(paginateListObjectsV2({ client }, { Bucket: bucket }))
        return pages.flatMap(({ Contents = [] }) => Contents.map(({ Key = '' }) => Key.slice('a/b/'.length)))
      },
      dispose: async () => client.destroy(),
    }
  })
})
