import { AppError } from '../../domain/errors.ts'
import type { BlobStore } from '../../ports/blob-store.ts'

/**
 * A store with others behind it that are only read: what it lacks they have, while everything moves from one store to another. What is
 * deleted goes from all of them, or it would come back when asked for; what is listed is what the first one has.
 */
export function withReadStores(store: BlobStore, others: readonly BlobStore[]): BlobStore {
  const all = [store, ...others]
  return {
    ...store,
    async open(name, range) {
      for (const each of all.slice(0, -1)) {
        // Asked first: where the bytes of one break off, those of another must not follow.
        if ((await each.size(name)) !== undefined) return await each.open(name, range)
      }
      const last = all.at(-1)
      if (last === undefined) throw new AppError('BlobMissing', `Blob ${name} is in no store.`, { target: name })
      return await last.open(name, range)
    },
    async size(name) {
      for (const each of all) {
        const size = await each.size(name)
        if (size !== undefined) return size
      }
      return undefined
    },
    async delete(name) {
      for (const each of all) await each.delete(name)
    },
  }
}
