import type { BlobStore } from '../../ports/blob-store.ts'
import type { StartDigest } from '../../ports/digest.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import { objectBlobs } from '../object-store/blobs-object-store.ts'
import { STORE_PATIENCE } from '../object-store/call-store.ts'
import { objectUpkeep } from '../object-store/upkeep-object-store.ts'
import { type AzureContainer, openAzureContainer } from './azblob-container.ts'

export interface AzureOptions extends AzureContainer {
  startDigest?: StartDigest | undefined
}

/**
 * Keeps blobs in a container of Azure Blob Storage. The container is made if it is missing and the credentials allow it. Throws an `Error`
 * if the environment names no account, `StoreCallFailed` if the store cannot be used.
 */
export async function openAzureBlobs(options: AzureOptions): Promise<BlobStore> {
  const { prefix, startDigest, patience = STORE_PATIENCE } = options
  const { service, makeIfMissing } = await openAzureContainer(options)
  await makeIfMissing()
  return objectBlobs(service, { prefix, patience, startDigest })
}

/** Looks after the store that `openAzureBlobs` opens, and makes nothing. Throws an `Error` if the environment names no account. */
export async function openAzureUpkeep(options: AzureOptions): Promise<StoreUpkeep> {
  return objectUpkeep((await openAzureContainer(options)).service, options)
}
