import type { PutAside, StoreUpkeep } from '../../ports/upkeep.ts'
import { blobKeys } from './blob-keys.ts'
import { StoreCallFailed } from './call-store.ts'
import type { ObjectService } from './object-service.ts'

/** Looks after the objects that `objectBlobs` keeps blobs in. What is taken out of service lies under `damaged/` beside `v1/`. */
export function objectUpkeep(service: ObjectService, { prefix }: { prefix: string }): StoreUpkeep {
  const inForce = blobKeys(prefix, 'v1')
  const aside = blobKeys(prefix, 'damaged')

  return {
    async flaws() {
      try {
        for await (const _ of service.list(inForce.folder)) break
        return []
      } catch (error) {
        if (error instanceof StoreCallFailed) return [error.message]
        throw error
      }
    },

    async *partials() {
      for await (const { key, ...object } of service.incomplete(inForce.folder)) {
        const name = inForce.nameOf(key)
        if (name !== undefined) yield { name, ...object }
      }
    },

    async *damaged(): AsyncIterable<PutAside> {
      for await (const { key, sizeInBytes, storedAt } of service.list(aside.folder)) {
        const name = aside.nameOf(key)
        if (name !== undefined) yield { name, sizeInBytes, touchedAt: storedAt }
      }
    },

    async setAside(name) {
      const [from, to] = [inForce.keyOf(name), aside.keyOf(name)]
      const place = `${service.title}/damaged/${name}`
      const found = await service.find(from)
      // Somebody else was first.
      if (found === undefined) return place
      const isAside = async () => (await service.find(to))?.sizeInBytes === found.sizeInBytes
      // Names are used once: what is there already is the copy that an attempt made which broke off.
      if (!(await isAside())) await service.copy(from, to)
      if (!(await isAside())) throw new Error(`${name} could not be copied to ${place}, so it stays where it is.`)
      await service.delete(from)
      return place
    },
  }
}
