import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { BlobServiceClient } from '@azure/storage-blob'
import { type CloudStores, startCloudStores } from '../../tests/support/start-cloud-stores.ts'
import { CDN, startDistributed } from '../../tests/support/start-distributed.ts'
import { parseStoreAddress } from '../adapters/object-store/store-address.ts'
import { openDistribution } from './distribution.ts'

let cloud: CloudStores
before(async () => {
  cloud = await startCloudStores()
})
after(() => cloud[Symbol.asyncDispose]())

/** A copy as somebody downloads it who knows nothing of the server. */
type Download = (key: string) => Promise<string | undefined>

async function inContainer(key: string): Promise<string> {
  const client = BlobServiceClient.fromConnectionString(cloud.azurite.connectionString).getContainerClient('updates')
  return String(await client.getBlobClient(key).downloadToBuffer())
}

async function wipeContainer(): Promise<void> {
  const client = BlobServiceClient.fromConnectionString(cloud.azurite.connectionString).getContainerClient('updates')
  for await (const { name } of client.listBlobsFlat()) await client.deleteBlob(name)
}

const KINDS: [kind: string, download: Download, wipe: () => Promise<void>][] = [
  ['azblob', inContainer, wipeContainer],
  [
    's3',
    async (key) => cloud.s3.object('updates', key)?.bytes.toString(),
    async () => cloud.s3.deleteBucket('updates'),
  ],
]

describe('a distribution store in a cloud', () => {
  for (const [kind, download, wipe] of KINDS) {
    test(`${kind}: one that was wiped is whole again after the next check`, async () => {
      const address = parseStoreAddress(`${kind}://updates/cdn`)
      const [opened] = await openDistribution([{ name: CDN, address, isRequired: false, template: undefined }])
      const { store } = opened!
      await using distributed = await startDistributed()
      const texts = ['one', 'two', 'three']
      await distributed.bringTexts(...texts)

      async function copied(): Promise<(string | undefined)[]> {
        const copies = await Array.fromAsync(store.list())
        return await Promise.all(copies.map(({ path }) => download(`cdn/${path}`)))
      }
      await distributed.distribute({ store })
      assert.deepEqual((await copied()).sort(), [...texts].sort())
      await wipe()
      assert.deepEqual(await copied(), [])
      assert.deepEqual(await distributed.check(store), { listed: 0, missing: 3, deleted: 0 })
      await distributed.distribute({ store })
      assert.deepEqual((await copied()).sort(), [...texts].sort())
      assert.deepEqual(await distributed.check(store), { listed: 3, missing: 0, deleted: 0 })
    })
  }

  test('one whose account is not named keeps the server from starting, and says which', async () => {
    const { AZURE_STORAGE_CONNECTION_STRING } = process.env
    delete process.env.AZURE_STORAGE_CONNECTION_STRING
    try {
      const address = parseStoreAddress('azblob://updates')
      await assert.rejects(
        openDistribution([{ name: CDN, address, isRequired: false, template: undefined }]),
        /^Error: --distribute cdn: No storage account is named\./,
      )
    } finally {
      process.env.AZURE_STORAGE_CONNECTION_STRING = AZURE_STORAGE_CONNECTION_STRING
    }
  })
})
