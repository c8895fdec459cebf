import { openFilesystemBlobs } from '../adapters/filesystem/blobs-filesystem.ts'
import { openFilesystemUpkeep } from '../adapters/filesystem/blobs-upkeep.ts'
import type { FileWrites } from '../adapters/filesystem/file-writes.ts'
import type { SmallBlobs } from '../adapters/filesystem/small-blobs.ts'
import type { StoreAddress } from '../adapters/object-store/store-address.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { StartDigest } from '../ports/digest.ts'
import type { StoreUpkeep } from '../ports/upkeep.ts'
import { withReadStores } from '../services/blobs/read-stores.ts'

export interface StoreOptions {
  /** The name of this node where several share the store. */
  node?: string | undefined
  /** For the checksums that go with what is sent to an object store. */
  startDigest?: StartDigest
  /** For what is small in a folder. */
  smallBlobs?: SmallBlobs
  /** For what is large in a folder. */
  fileWrites?: FileWrites
}

/** Opens the store at an address. Throws an `Error` with a sentence if it cannot be used. */
export async function openStore(
  address: StoreAddress,
  { node, startDigest, smallBlobs, fileWrites }: StoreOptions,
): Promise<BlobStore> {
  switch (address.kind) {
    case 'folder':
      return await openFilesystemBlobs({
        folder: address.path,
        ...(node !== undefined && { node }),
        ...(smallBlobs && { smallBlobs }),
        ...(fileWrites && { fileWrites }),
      })
    // Loaded only where they are wanted: they are larger than all the rest.
    case 'azblob': {
      const { openAzureBlobs } = await import('../adapters/azblob/blobs-azblob.ts')
      return await openAzureBlobs({ ...address, startDigest })
    }
    case 's3': {
      const { openS3Blobs } = await import('../adapters/s3/blobs-s3.ts')
      return await openS3Blobs({ ...address, startDigest })
    }
  }
}

/** Looks after the store at an address, and makes nothing there. Throws an `Error` with a sentence if settings of it are missing. */
export async function openStoreUpkeep(address: StoreAddress): Promise<StoreUpkeep> {
  switch (address.kind) {
    case 'folder':
      return openFilesystemUpkeep({ folder: address.path })
    case 'azblob': {
      const { openAzureUpkeep } = await import('../adapters/azblob/blobs-azblob.ts')
      return await openAzureUpkeep(address)
    }
    case 's3': {
      const { openS3Upkeep } = await import('../adapters/s3/blobs-s3.ts')
      return await openS3Upkeep(address)
    }
  }
}

/** The store of a server, by itself and with those behind it that are only read. */
export async function openStores(
  address: StoreAddress,
  { readOnly, ...options }: StoreOptions & { readOnly: readonly StoreAddress[] },
): Promise<{ own: BlobStore; blobs: BlobStore }> {
  const own = await openStore(address, options)
  const others = await Promise.all(readOnly.map((other) => openStore(other, options)))
  return { own, blobs: others.length === 0 ? own : withReadStores(own, others) }
}
