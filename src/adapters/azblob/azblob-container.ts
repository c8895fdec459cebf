import type { ContainerClient } from '@azure/storage-blob'
import {
  type CallStore,
  callStore,
  isStatus,
  STORE_PATIENCE,
  StoreCallFailed,
  type StorePatience,
} from '../object-store/call-store.ts'
import type { ObjectService } from '../object-store/object-service.ts'
import { storeTitle } from '../object-store/store-address.ts'
import { openAzblobAccount } from './azblob-account.ts'
import { azblobObjects } from './azblob-service.ts'
import { readAzblobFailure } from './read-azblob-failure.ts'

export interface AzureContainer {
  container: string
  /** Without slashes at its ends; empty for none. */
  prefix: string
  /** Names the account and its credentials, as for the Azure CLI. */
  env?: NodeJS.ProcessEnv
  patience?: StorePatience
}

export interface OpenedContainer {
  service: ObjectService
  /** Makes the container unless it is there. Throws `StoreCallFailed` if it cannot be used. */
  makeIfMissing(): Promise<void>
}

/** Opens a container without asking for it. Throws an `Error` if the environment names no account. */
export async function openAzureContainer({
  container: name,
  prefix,
  env = process.env,
  patience = STORE_PATIENCE,
}: AzureContainer): Promise<OpenedContainer> {
  const title = storeTitle({ kind: 'azblob', container: name, prefix })
  const call = callStore({ title, read: readAzblobFailure }, patience)
  const container = (await openAzblobAccount(patience, env)).getContainerClient(name)
  return {
    service: azblobObjects({ container, title, call }),
    makeIfMissing: () => makeContainerIfMissing(container, { prefix, call }),
  }
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
