import type { BlobStore, StoredBlob } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import { findBlob } from '../../store/blobs/blobs.ts'
import { type CopyInForce, listUsers, sumCopies } from '../../store/blobs/inspect-blobs.ts'
import { findMark } from '../../store/blobs/store-mark.ts'
import { type CopyState, judgeCopy } from './judge-copy.ts'
import type { Pen, Step } from './step.ts'
import { copiesInForce, inStep } from './walk-copies.ts'

const USERS_NAMED_MAX = 5

/**
 * Whether the store has the bytes of every content that the catalogue names: the right size, and with `isDeep` the right hash. What is
 * damaged is taken out of service by a repair, so that it counts as missing and is never served.
 *
 * What is `listed` with the right size is not asked for again, so a million blobs are as many requests as a list of them.
 */
export function checkBlobs({
  database,
  blobs,
  listed,
  upkeep,
  isDeep,
  isRepair,
  howToRepair,
}: {
  database: () => Database
  blobs: () => BlobStore
  /** What all stores have that are read, each name once and in order. */
  listed: () => AsyncIterable<StoredBlob>
  upkeep: StoreUpkeep
  isDeep: boolean
  isRepair: boolean
  /** As the begin of a sentence. */
  howToRepair: string
}): Step {
  async function tell({ sha256, name, sizeInBytes }: CopyInForce, state: CopyState, pen: Pen): Promise<void> {
    if (state.kind === 'good') return
    // A server at work may have replaced or forgotten the copy since its row was read.
    if ((await findBlob(database(), sha256))?.name !== name) return
    const title = `Blob ${name} (${sizeInBytes} bytes)`
    if (state.kind === 'unreadable') {
      pen.problem(`${title} cannot be read: ${state.why}. Mend that and look again.`, name)
      return
    }
    let flaw = state.kind === 'missing' ? 'is not in the store' : state.how
    if (state.kind === 'damaged' && isRepair) {
      const place = await upkeep.setAside(name)
      pen.mended(`${title} ${flaw}; it is out of service, and its bytes are kept as ${place}.`, name)
      flaw = 'is not in the store any more'
    }
    const users = await listUsers(database(), sha256, USERS_NAMED_MAX + 1)
    if (users.length === 0) {
      pen.note(`${title} ${flaw}. No update needs it; a server forgets it in time.`, name)
      return
    }
    const named = users.slice(0, USERS_NAMED_MAX).join(', ') + (users.length > USERS_NAMED_MAX ? ' and others' : '')
    const first = state.kind === 'damaged' && !isRepair ? `${howToRepair}, and then import` : 'Import'
    pen.problem(
      `${title} ${flaw}. It is needed for ${named}. ${first} the very same update again, or restore a backup.`,
      name,
    )
  }

  return {
    name: 'blobs',
    title: 'Blobs',
    needs: ['database', 'schema', 'store', 'store-mark'],
    async run(pen) {
      // Its name is all there is to it, and without it no server starts.
      const mark = await findMark(database())
      const { count, bytes } = await sumCopies(database())
      let doneBytes = 0
      const onBytes = (more: number) => {
        doneBytes += more
        pen.progress(doneBytes, bytes)
      }
      for await (const { copy, stored } of inStep(copiesInForce(database()), listed())) {
        if (copy === undefined || copy.name === mark) continue
        const isSizeKnown = stored?.sizeInBytes === copy.sizeInBytes
        const state = await judgeCopy(copy, { blobs: blobs(), isDeep, isSizeKnown, onBytes })
        await tell(copy, state, pen)
      }
      const how = isDeep ? 'every byte was hashed' : 'sizes were compared; --deep hashes every byte'
      return `${count} blobs with ${bytes} bytes in all; ${how}.`
    },
  }
}
