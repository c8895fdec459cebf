import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { blobStoreContract } from '../../../tests/contracts/blob-store.contract.ts'
import { objectStoreFaults } from '../../../tests/contracts/object-store-faults.contract.ts'
import { type Azurite, startAzurite } from '../../../tests/support/azurite.ts'
import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import { openAzureBlobs } from './blobs-azblob.ts'

let azurite: Azurite
before(async () => {
  azurite = await startAzurite()
})
after(() => azurite[Symbol.asyncDispose]())

blobStoreContract('Azure Blob Storage', async () => {
  const container = `c${randomBytes(8).toString('hex')}`
  const env = { AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString }
  const store = await openAzureBlobs({ container, prefix: 'a/b', env })
  const dispose = async () => {
    await BlobServiceClient.fromConnectionString(azurite.connectionString).deleteContainer(container)
  }
  return { store, dispose }
})

objectStoreFaults('Azure Blob Storage', async () => {
  const server = await startAzurite()
  return {
    port: server.port,
    open: ({ port, patience, place, prefix }) =>
      openAzureBlobs({
        container: place,
        prefix,
        env: { AZURE_STORAGE_CONNECTION_STRING: server.connectionString.replace(`:${server.port}/`, `:${port}/`) },
        patience,
      }),
    isPart: ({ url }) => /comp=block&/.test(url),
    isCompletion: ({ url }) => /comp=blocklist/.test(url),
    tellsDamage: false,
    findsLeftovers: true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
})

const name: BlobName = `${'5e'.repeat(32)}.0a1b2c3d`

function newContainer(): string {
  return `c${randomBytes(8).toString('hex')}`
}

/** The environment of an operator who has an access key. */
function keyEnv(key = azurite.accountKey): NodeJS.ProcessEnv {
  return {
    AZURE_STORAGE_ACCOUNT: azurite.accountName,
    AZURE_STORAGE_KEY: key,
    AZURE_STORAGE_SERVICE_ENDPOINT: azurite.blobEndpoint,
  }
}

/** The environment of an operator who has a signature for one container. */
function sasEnv(container: string, permissions: string): NodeJS.ProcessEnv {
  const credential = new StorageSharedKeyCredential(azurite.accountName, azurite.accountKey)
  const expiresOn = new Date(Date.now() + 3_600_000)
  const signed = { containerName: container, permissions: ContainerSASPermissions.parse(permissions), expiresOn }
  return {
    AZURE_STORAGE_ACCOUNT: azurite.accountName,
    AZURE_STORAGE_SAS_TOKEN: generateBlobSASQueryParameters(signed, credential).toString(),
    AZURE_STORAGE_SERVICE_ENDPOINT: azurite.blobEndpoint,
  }
}

async function put(store: BlobStore, bytes: Uint8Array): Promise<void> {
  await using writer = await store.create({ name, sizeInBytes: bytes.length })
  await writer.write(bytes)
  await writer.commit()
}

test('the blobs of others are neither listed nor dropped', async () => {
  const container = newContainer()
  const store = await openAzureBlobs({ container, prefix: '', env: keyEnv() })
  await put(store, Buffer.from('bytes'))
  const client = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(container)
  const foreign = ['v1/empty.txt', `v1/sub/${name}`, name, `v2/${name}`]
  for (const key of foreign) await client.getBlockBlobClient(key).upload('', 0)
  await client.getBlockBlobClient('v1/half').stageBlock(btoa('00000'), 'x', 1)

  assert.deepEqual(
    (await Array.fromAsync(store.list())).map((blob) => blob.name),
    [name],
  )
  assert.equal(await store.dropAbandoned(-60_000), 0)
  await store.delete(name)
  const left = await Array.fromAsync(client.listBlobsFlat({ includeUncommitedBlobs: true }))
  assert.deepEqual(left.map((blob) => blob.name).sort(), [...foreign, 'v1/half'].sort())
})

test('an empty blob that was left while blocks were dropped is dropped, one that was stored is not', async () => {
  const container = newContainer()
  const store = await openAzureBlobs({ container, prefix: '', env: keyEnv() })
  await put(store, Buffer.alloc(0))
  const client = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(container)
  await client.getBlockBlobClient(`v1/${'aa'.repeat(32)}.00000000`).commitBlockList([])
  assert.equal(await store.dropAbandoned(60_000), 0)
  assert.equal(await store.dropAbandoned(-60_000), 1)
  assert.equal(await store.size(name), 0)
})

test('a signature for the container is enough for everything but making it', async () => {
  const container = newContainer()
  const env = sasEnv(container, 'rcwdl')
  await assert.rejects(openAzureBlobs({ container, prefix: '', env }), {
    code: 'StoreFailed',
    message: /could not make its container \w+, which is missing: it answered 403/,
  })
  await openAzureBlobs({ container, prefix: '', env: keyEnv() })
  const store = await openAzureBlobs({ container, prefix: '', env })
  await put(store, Buffer.alloc(6_000_000, 1))
  assert.equal((await Array.fromAsync(store.list())).length, 1)
  const writer = await store.create({ name, sizeInBytes: 12_000_000 })
  await writer.write(Buffer.alloc(11_000_000))
  await writer[Symbol.asyncDispose]()
  assert.equal(await store.size(name), 6_000_000)
  await store.delete(name)
  assert.equal(await store.dropAbandoned(-60_000), 0)
})

test('wrong credentials are an error at once, which has nothing secret in it', async () => {
  const container = newContainer()
  await openAzureBlobs({ container, prefix: '', env: keyEnv() })
  const sas = sasEnv(container, 'r')
  for (const env of [keyEnv(Buffer.from('WRONG').toString('base64')), sas]) {
    await assert.rejects(openAzureBlobs({ container, prefix: '', env }), (error: Error) => {
      assert.match(error.message, /could not be opened: it answered 403 Auth\w+\. Check the credentials/)
      assert.doesNotMatch(JSON.stringify({ ...error, stack: error.stack }), /sig=|SharedKey|V1JPTkc/)
      assert.equal(error.cause, undefined)
      return true
    })
  }
})
