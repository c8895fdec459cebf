import { randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import { BlobServiceClient } from '@azure/storage-blob'
import { storeUpkeepContract } from '../../../tests/contracts/store-upkeep.contract.ts'
import { type Azurite, startAzurite } from '../../../tests/support/azurite.ts'
import { openAzureBlobs, openAzureUpkeep } from './blobs-azblob.ts'

let azurite: Azurite
before(async () => {
  azurite = await startAzurite()
})
after(() => azurite[Symbol.asyncDispose]())

storeUpkeepContract('Azure Blob Storage', async () => {
  const container = `c${randomBytes(8).toString('hex')}`
  const env = { AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString }
  const options = { container, prefix: 'a/b', env }
  const client = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(container)
  return {
    store: await openAzureBlobs(options),
    other: await openAzureBlobs(options),
    upkeep: await openAzureUpkeep(options),
    ofNothing: await openAzureUpkeep({ ...options, container: 'nothing' }),
    readDamaged: (name) => client.getBlobClient(`a/b/damaged/${name}`).downloadToBuffer(),
    dispose: async () => void (await client.delete()),
  }
})
