// The same promises as in blobs-s3.test.ts, kept by a server that was not written for these tests.
import { randomBytes } from 'node:crypto'
import { blobStoreContract } from '../../../tests/contracts/blob-store.contract.ts'
import { objectStoreFaults } from '../../../tests/contracts/object-store-faults.contract.ts'
import { testOnMinio } from '../../../tests/support/minio.ts'
import { openS3Blobs } from './blobs-s3.ts'

testOnMinio('blobs in MinIO', (minio) => {
  blobStoreContract('MinIO', async () => {
    const store = await openS3Blobs({
      bucket: `b${randomBytes(8).toString('hex')}`,
      prefix: 'a/b',
      env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${minio().port}` },
      credentials: minio().key,
    })
    return { store, dispose: async () => {} }
  })

  objectStoreFaults('MinIO', async () => ({
    port: minio().port,
    open: ({ port, patience, place, prefix }) =>
      openS3Blobs({
        bucket: place,
        prefix,
        env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
        credentials: minio().key,
        patience,
      }),
    isPart: ({ url }) => /partNumber=/.test(url),
    isCompletion: ({ method, url }) => method === 'POST' && /uploadId=/.test(url),
    tellsDamage: true,
    // It lists only the uploads of an object that is named in full, and drops by itself what is older than a day.
    findsLeftovers: false,
    async [Symbol.asyncDispose]() {},
  }))
})
