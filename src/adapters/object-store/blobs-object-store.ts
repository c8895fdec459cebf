import type { BlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { StartDigest } from '../../ports/digest.ts'
import { blobKeys } from './blob-keys.ts'
import type { StorePatience } from './call-store.ts'
import type { ObjectService } from './object-service.ts'
import { readObject } from './read-object.ts'
import { writeObject } from './write-object.ts'

/**
 * Keeps blobs as objects, uploaded straight to their final key. What others keep beside them is left alone. The store cannot keep the
 * beginning of a blob for later, so `resume` answers undefined.
 */
export function objectBlobs(
  service: ObjectService,
  { prefix, patience, startDigest }: { prefix: string; patience: StorePatience; startDigest?: StartDigest | undefined },
): BlobStore {
  const keys = blobKeys(prefix, 'v1')
  const writing = new Set<BlobName>()

  return {
    async create({ name, sizeInBytes }) {
      const key = keys.keyOf(name)
      if (writing.has(name)) throw new Error(`${name} is being written already. The name of a blob is used only once.`)
      writing.add(name)
      return writeObject({
        name: `Blob ${name}`,
        key,
        sizeInBytes,
        service,
        startDigest,
        onEnd: () => writing.delete(name),
      })
    },

    async resume() {
      return undefined
    },

    async abandon() {},

    async open(name, range) {
      return await readObject({ name, key: keys.keyOf(name), range, service, patience })
    },

    async size(name) {
      return (await service.find(keys.keyOf(name)))?.sizeInBytes
    },

    async *list() {
      for await (const { key, sizeInBytes, storedAt } of service.list(keys.folder)) {
        const name = keys.nameOf(key)
        if (name !== undefined) yield { name, sizeInBytes, storedAt }
      }
    },

    async delete(name) {
      await service.delete(keys.keyOf(name))
    },

    async dropAbandoned(ageMs, keep = new Set()) {
      const begunBefore = Date.now() - ageMs
      let dropped = 0
      for await (const { key, touchedAt, drop } of service.incomplete(keys.folder, { begunBefore })) {
        const name = keys.nameOf(key)
        if (touchedAt > begunBefore || name === undefined || keep.has(name) || writing.has(name)) continue
        if (await drop()) dropped += 1
      }
      return dropped
    },
  }
}
