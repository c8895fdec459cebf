import { randomUUID } from 'node:crypto'
import { BlobServiceClient } from '@azure/storage-blob'

/** Names the store that tests run on which can run on each: `folder`, as long as nothing is set, or `azblob`. */
export const STORE_VARIABLE = 'TEST_STORE'

export interface Container {
  /** As `--store` takes it. */
  address: string
  /** What is committed, but what was there when `leaveOut` was called. */
  names(): Promise<string[]>
  leaveOut(): Promise<void>
  /** What has begun to be written, and was neither committed nor dropped. */
  partials(): Promise<string[]>
  remove(): Promise<void>
}

/** A new container where tests run on Azurite, or undefined where they run on folders. The account is that of the environment. */
export function newContainer(): Container | undefined {
  if (process.env[STORE_VARIABLE] !== 'azblob') return undefined
  const account = BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING ?? '')
  const container = account.getContainerClient(`test-${randomUUID()}`)
  let leftOut = new Set<string>()
  async function names(includeUncommitedBlobs: boolean): Promise<string[]> {
    const found = await Array.fromAsync(container.listBlobsFlat({ includeUncommitedBlobs }))
    return found.map(({ name }) => name)
  }
  return {
    address: `azblob://${container.containerName}`,
    names: async () => (await names(false)).filter((name) => !leftOut.has(name)),
    async leaveOut() {
      leftOut = new Set(await names(false))
    },
    async partials() {
      const committed = new Set(await names(false))
      return (await names(true)).filter((name) => !committed.has(name))
    },
    async remove() {
      await container.deleteIfExists()
    },
  }
}
