import { join } from 'node:path'
import { type StoreAddress, storeTitle } from '../adapters/object-store/store-address.ts'
import type { DoctorConfig } from '../config/command-settings.ts'
import type { BlobName } from '../domain/blob.ts'
import type { BlobStore, StoredBlob } from '../ports/blob-store.ts'
import type { StoreUpkeep } from '../ports/upkeep.ts'
import { withReadStores } from '../services/blobs/read-stores.ts'
import { listTogether } from '../services/doctor/walk-copies.ts'
import { openStore, openStoreUpkeep } from './store.ts'

interface TitledUpkeep {
  title: string
  upkeep: StoreUpkeep
}

/** The store that a doctor examines, and behind it those that are only read. */
export interface DoctorStores extends TitledUpkeep {
  others: readonly TitledUpkeep[]
  /** Those that are on disks of this machine. */
  folders: readonly string[]
  /** Opens them, which makes what is missing of them: for when nothing is. */
  open(): Promise<BlobStore>
  /** For when they are open. */
  blobs(): BlobStore
  /** What they have together, each name once. For when they are open. */
  listed(): AsyncIterable<StoredBlob>
}

export async function enterStores({ data, store, 'read-store': readOnly }: DoctorConfig): Promise<DoctorStores> {
  const address = store ?? { kind: 'folder', path: join(data, 'blobs') }
  const titled = async (each: StoreAddress) => ({ title: storeTitle(each), upkeep: await openStoreUpkeep(each) })
  const main = await titled(address)
  const others = await Promise.all(readOnly.map(titled))
  let opened: { blobs: BlobStore; all: readonly BlobStore[] } | undefined
  function whenOpen() {
    if (opened === undefined) throw new Error('The store was not opened.')
    return opened
  }

  /** In the store that it is read from. What another one has of it is read from then on. */
  async function setAside(name: BlobName): Promise<string> {
    for (const [index, { upkeep }] of [main, ...others].entries()) {
      if ((await whenOpen().all[index]?.size(name)) !== undefined) return await upkeep.setAside(name)
    }
    throw new Error(`${name} is in no store any more.`)
  }

  return {
    title: main.title,
    upkeep: { ...main.upkeep, setAside },
    others,
    folders: [address, ...readOnly].flatMap((each) => (each.kind === 'folder' ? [each.path] : [])),
    async open() {
      const first = await openStore(address, {})
      const behind = await Promise.all(readOnly.map((each) => openStore(each, {})))
      opened = { blobs: withReadStores(first, behind), all: [first, ...behind] }
      return first
    },
    blobs: () => whenOpen().blobs,
    listed: () => listTogether(whenOpen().all.map((each) => each.list())),
  }
}
