import { createHash, randomUUID } from 'node:crypto'
import { newBlobName } from '../../domain/blob.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import type { Step } from './step.ts'

/**
 * Whether the stores can take in and give out bytes at all. Only where something may be changed (`isRepair`) the first one, which bytes go
 * to, is tried: by a small blob that is gone afterwards.
 */
export function checkStore(
  stores: readonly { title: string; upkeep: StoreUpkeep }[],
  { open, isRepair }: { open: () => Promise<BlobStore>; isRepair: boolean },
): Step {
  return {
    name: 'store',
    title: 'Store',
    needs: [],
    async run(pen) {
      let flaws = 0
      for (const { upkeep } of stores) {
        for (const flaw of await upkeep.flaws()) {
          flaws += 1
          pen.problem(flaw)
        }
      }
      // Opening a store makes what is missing of it, and that shall be told instead.
      if (flaws > 0) return 'It cannot be used.'
      const blobs = await open()
      if (isRepair) await tryWriting(blobs)
      const titles = stores.map(({ title }) => title).join(', then ')
      return `Bytes are in ${titles}; ${isRepair ? 'writing was tried' : 'it was not tried to write'}.`
    },
  }
}

async function tryWriting(blobs: BlobStore): Promise<void> {
  const bytes = Buffer.from(`The doctor was here: ${randomUUID()}\n`)
  const name = newBlobName(createHash('sha256').update(bytes).digest('hex'))
  await using writer = await blobs.create({ name, sizeInBytes: bytes.length })
  await writer.write(bytes)
  await writer.commit()
  try {
    const read = Buffer.concat(await Array.fromAsync(await blobs.open(name)))
    if (!read.equals(bytes)) throw new Error('The store gives other bytes back than it was given.')
  } finally {
    await blobs.delete(name)
  }
}
