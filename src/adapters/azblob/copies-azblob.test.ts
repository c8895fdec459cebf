import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import { distributionStoreContract } from '../../../tests/contracts/distribution-store.contract.ts'
import { type Azurite, startAzurite } from '../../../tests/support/azurite.ts'
import { contentHeaders } from '../../domain/content-headers.ts'
import { newContentId } from '../../domain/distribution.ts'
import type { DistributionStore } from '../../ports/distribution-store.ts'
import { openAzureCopies } from './copies-azblob.ts'

const MiB = 1024 * 1024

let azurite: Azurite
before(async () => {
  azurite = await startAzurite()
})
after(() => azurite[Symbol.asyncDispose]())

function newContainer(): { name: string; client: ContainerClient } {
  const name = `c${randomBytes(8).toString('hex')}`
  return { name, client: BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(name) }
}

async function open(container: string, prefix: string): Promise<DistributionStore> {
  const env = { AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString }
  return await openAzureCopies({ container, prefix, env })
}

async function put(store: DistributionStore, fileName: string, bytes = Buffer.from('bytes')): Promise<string> {
  const path = `${newContentId()}/${fileName}`
  await store.put({ path, fileName, sizeInBytes: bytes.length, sha256: '' }, only(bytes))
  return path
}

async function* only(bytes: Uint8Array) {
  yield bytes
}

distributionStoreContract('Azure Blob Storage', async () => {
  const { name, client } = newContainer()
  await client.create()
  return {
    store: await open(name, 'a/b'),
    refused: /\.$/,
    async download(path) {
      const blob = client.getBlobClient(`a/b/${path}`)
      return (await blob.exists()) ? await blob.downloadToBuffer() : undefined
    },
    async place(path, bytes) {
      await client.getBlockBlobClient(`a/b/${path}`).upload(Buffer.from(bytes), bytes.length)
    },
    async paths() {
      const blobs = await Array.fromAsync(client.listBlobsFlat())
      return blobs.map((blob) => blob.name.slice('a/b/'.length))
    },
    async dispose() {
      await client.delete()
    },
  }
})

test('a copy in a container is downloaded with the headers of the server itself, whether it was written in parts or not', async () => {
  const { name, client } = newContainer()
  const store = await open(name, '')
  for (const sizeInBytes of [10, 6 * MiB]) {
    const path = await put(store, 'a  b ü".bin', Buffer.alloc(sizeInBytes))
    const { contentType, contentDisposition, cacheControl } = await client.getBlobClient(path).getProperties()
    assert.deepEqual(
      { 'content-type': contentType, 'content-disposition': contentDisposition, 'cache-control': cacheControl },
      contentHeaders('a  b ü".bin'),
    )
  }
})

test('a container that is missing is empty, and is made for the first copy', async () => {
  const { name, client } = newContainer()
  const store = await open(name, '')
  const path = `${newContentId()}/a.bin`
  assert.deepEqual(await Array.fromAsync(store.list()), [])
  assert.equal(await store.size(path), undefined)
  await store.delete(path)
  const stored = await put(store, 'a.bin')
  assert.ok(await client.getBlobClient(stored).exists())
})

test('a writer that fails neither shows an empty blob nor takes the blocks of another one away', async () => {
  const { name, client } = newContainer()
  const store = await open(name, '')
  const bytes = randomBytes(11 * MiB)
  const path = `${newContentId()}/a.bin`
  const copy = { path, fileName: 'a.bin', sizeInBytes: bytes.length, sha256: '' }
  async function* broken() {
    yield bytes.subarray(0, 6 * MiB)
    throw new Error('for the sake of a test')
  }
  async function* slow() {
    yield bytes.subarray(0, 6 * MiB)
    await assert.rejects(store.put(copy, broken()), /for the sake of a test/)
    assert.deepEqual(await Array.fromAsync(client.listBlobsFlat()), [])
    yield bytes.subarray(6 * MiB)
  }
  await store.put(copy, slow())
  assert.ok((await client.getBlobClient(path).downloadToBuffer()).equals(bytes))
})

test('an account that nobody names is an error when a store is opened', async () => {
  await assert.rejects(openAzureCopies({ container: 'updates', prefix: '', env: {} }), /No storage account is named/)
})
