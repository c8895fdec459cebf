import { type BlobName, isBlobName } from '../../domain/blob.ts'

/**
 * The keys of blobs: `PREFIX/v1/NAME`, where `v1` is the version of this layout, and `PREFIX/damaged/NAME` for those that were taken out of
 * service. Names begin with a digest, so keys are spread evenly.
 */
export interface BlobKeys {
  /** What all of them begin with. */
  folder: string
  keyOf(name: BlobName): string
  /** Undefined for a key that others keep there. */
  nameOf(key: string): BlobName | undefined
}

export function blobKeys(prefix: string, shelf: 'v1' | 'damaged'): BlobKeys {
  const folder = prefix === '' ? `${shelf}/` : `${prefix}/${shelf}/`
  return {
    folder,
    keyOf(name) {
      if (!isBlobName(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a blob`)
      return folder + name
    },
    nameOf(key) {
      const name = key.slice(folder.length)
      return key.startsWith(folder) && isBlobName(name) ? name : undefined
    },
  }
}
