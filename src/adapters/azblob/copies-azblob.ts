import type { StartDigest } from '../../ports/digest.ts'
import type { DistributionStore } from '../../ports/distribution-store.ts'
import { objectCopies } from '../object-store/distribution-object-store.ts'
import { type AzureContainer, openAzureContainer } from './azblob-container.ts'

/**
 * A distribution store in a container of Azure Blob Storage, which may be away just now. Throws an `Error` if the environment names no
 * account.
 */
export async function openAzureCopies(
  options: AzureContainer & { startDigest?: StartDigest | undefined },
): Promise<DistributionStore> {
  const { service, makeIfMissing } = await openAzureContainer(options)
  const { prefix, startDigest } = options
  // Azure drops blocks by itself after a week.
  return objectCopies(service, { prefix, makeIfMissing, keepsParts: false, checkName, startDigest })
}

/** Azure advises against names that end with a dot, since some of its parts leave the dot out (Naming and Referencing Blobs). */
function checkName(fileName: string): void {
  if (fileName.endsWith('.')) {
    throw new Error(`${JSON.stringify(fileName)} ends with a dot, which Azure Blob Storage does not keep in names.`)
  }
}
