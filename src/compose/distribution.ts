import { openDistributionFolder } from '../adapters/filesystem/distribution-folder.ts'
import type { StoreReading } from '../adapters/prometheus/open-prometheus.ts'
import type { ConfiguredStore } from '../config/distribution-settings.ts'
import type { Database } from '../ports/database.ts'
import type { StartDigest } from '../ports/digest.ts'
import type { DistributionStore } from '../ports/distribution-store.ts'
import { distributionStatus } from '../services/distribution/distribution-status.ts'
import { listInstances } from '../store/instances.ts'

export interface OpenedStore extends ConfiguredStore {
  store: DistributionStore
}

/**
 * Opens the distribution stores. One that is away just now keeps no server from starting; one whose account is not named does, with an
 * `Error` that has a sentence.
 */
export async function openDistribution(
  stores: readonly ConfiguredStore[],
  options: { startDigest?: StartDigest } = {},
): Promise<OpenedStore[]> {
  return await Promise.all(
    stores.map(async (configured) => ({ ...configured, store: await openStore(configured, options) })),
  )
}

async function openStore(
  { name, address }: ConfiguredStore,
  { startDigest }: { startDigest?: StartDigest },
): Promise<DistributionStore> {
  try {
    switch (address.kind) {
      case 'folder':
        return openDistributionFolder(address.path)
      // Loaded only where they are wanted: they are larger than all the rest.
      case 'azblob': {
        const { openAzureCopies } = await import('../adapters/azblob/copies-azblob.ts')
        return await openAzureCopies({ ...address, startDigest })
      }
      case 's3': {
        const { openS3Copies } = await import('../adapters/s3/copies-s3.ts')
        return await openS3Copies({ ...address, startDigest })
      }
    }
  } catch (error) {
    throw new Error(`--distribute ${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

/** What metrics tell of the stores, over all instances. */
export async function readDistribution(
  database: Database,
  stores: readonly ConfiguredStore[],
): Promise<StoreReading[]> {
  const readings: StoreReading[] = []
  const instances = stores.length === 0 ? [] : await listInstances(database)
  for (const { name } of stores) {
    const { store, copies, oldestWaiting, lastCheck } = await distributionStatus(database, { store: name, instances })
    readings.push({
      store,
      copies,
      oldestWaitingMs: oldestWaiting?.ageMs ?? 0,
      ...(lastCheck && { checkAgeMs: lastCheck.ageMs }),
    })
  }
  return readings
}
