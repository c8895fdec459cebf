import type { ContainerClient } from '@azure/storage-blob'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { StartDigest } from '../../ports/digest.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import { objectBlobs } from '../object-store/blobs-object-store.ts'
import {
  type CallStore,
  callStore,
  isStatus,
  STORE_PATIENCE,
  StoreCallFailed,
  type StorePatience,
} from '../object-store/call-store.ts'
import { storeTitle } from '../object-store/store-address.ts'
import { objectUpkeep } from '../object-store/upkeep-object-store.ts'
import { openAzblobAccount } from './azblob-account.ts'
import { azblobObjects } from './azblob-service.ts'
import { readAzblobFailure } from './read-azblob-failure.ts'

export interface AzureOptions {
  container: string
  /** Without slashes at its ends; empty for none. */
  prefix: string
  /** Names the account and its credentials, as for the Azure CLI. */
  env?: NodeJS.ProcessEnv
  startDigest?: StartDigest | undefined
  patience?: StorePatience
}

/**
 * Keeps blobs in a container of Azure Blob Storage. The container is made if it is missing and the credentials allow it. Throws an `Error`
 * if the environment names no account, `StoreCallFailed` if the store cannot be used.
 */
export async function openAzureBlobs(options: AzureOptions): Promise<BlobStore> {
  const { prefix, startDigest, patience = STORE_PATIENCE } = options
  const { container, call, service } = await azureServiceOf(options)
  await makeContainerIfMissing(container, { prefix, call })
  return objectBlobs(service, { prefix, patience, startDigest })
}

/** Looks after the store that `openAzureBlobs` opens, and makes nothing. Throws an `Error` if the environment names no account. */
export async function openAzureUpkeep(options: AzureOptions): Promise<StoreUpkeep> {
  return objectUpkeep((await azureServiceOf(options)).service, options)
}

async function azureServiceOf({ container: name, prefix, env = process.env, patience = STORE_PATIENCE }: AzureOptions) {
  const title = storeTitle({ kind: 'azblob', container: name, prefix })
  const call = callStore({ title, read: readAzblobFailure }, patience)
  const container = (await openAzblobAccount(patience, env)).getContainerClient(name)
  return { container, call, service: azblobObjects({ container, title, call }) }
}

/** Looks into the container as the store does later: a SAS for a single container may list blobs, but not ask about the container. */
async function makeContainerIfMissing(
  container: ContainerClient,
  { prefix, call }: { prefix: string; call: CallStore },
): Promise<void> {
  try {
    await call('be opened', () => container.listBlobsFlat({ prefix }).byPage({ maxPageSize: 1 }).next())
  } catch (error) {
    if (!isStatus(error, 404)) throw error
    await call(`make its container ${container.containerName}, which is missing`, () => container.create()).catch(
      (failed: unknown) => {
        // Another node was first.
        if (!(failed instanceof StoreCallFailed && failed.reason === 'ContainerAlreadyExists')) throw failed
      },
    )
  }
}
