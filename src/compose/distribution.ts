import { openDistributionFolder } from '../adapters/filesystem/distribution-folder.ts'
import { storeTitle } from '../adapters/object-store/store-address.ts'
import type { StoreReading } from '../adapters/prometheus/open-prometheus.ts'
import type { ConfiguredStore } from '../config/distribution-settings.ts'
import type { Database } from '../ports/database.ts'
import type { DistributionStore } from '../ports/distribution-store.ts'
import { distributionStatus } from '../services/distribution-status.ts'
import { listInstances } from '../store/instances.ts'

export interface OpenedStore extends ConfiguredStore {
  store: DistributionStore
}

/** Opens the distribution stores. One that is away just now keeps no server from starting. */
export function openDistribution(stores: readonly ConfiguredStore[]): OpenedStore[] {
  return stores.map((configured) => ({ ...configured, store: openStore(configured) }))
}

function openStore({ name, address }: ConfiguredStore): DistributionStore {
  if (address.kind === 'folder') return openDistributionFolder(address.path)
  throw new Error(`--distribute ${name}: ${storeTitle(address)} cannot be a distribution store yet, only a folder can.`)
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
