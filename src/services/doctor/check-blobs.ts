import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { StoreUpkeep } from '../../ports/upkeep.ts'
import { findBlob } from '../../store/blobs.ts'
import { type CopyInForce, listCopies, listUsers, sumCopies } from '../../store/inspect-blobs.ts'
import { judgeCopy } from './judge-copy.ts'
import type { Pen, Step } from './step.ts'

const PAGE_ROWS = 500
const USERS_NAMED_MAX = 5

/**
 * Whether the store has the bytes of every content that the catalogue names: the right size, and with `isDeep` the right hash. What is
 * damaged is taken out of service by a repair, so that it counts as missing and is never served.
 */
export function checkBlobs({
  database,
  blobs,
  upkeep,
  isDeep,
  isRepair,
}: {
  database: () => Database
  blobs: () => BlobStore
  upkeep: StoreUpkeep
  isDeep: boolean
  isRepair: boolean
}): Step {
  async function examine(copy: CopyInForce, pen: Pen, onBytes: (count: number) => void): Promise<void> {
    const state = await judgeCopy(copy, { blobs: blobs(), isDeep, onBytes })
    if (state.kind === 'good') return
    const { sha256, name, sizeInBytes } = copy
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
      pen.warn(`${title} ${flaw}. No update needs it; the server forgets it in time.`, name)
      return
    }
    const named = users.slice(0, USERS_NAMED_MAX).join(', ') + (users.length > USERS_NAMED_MAX ? ' and others' : '')
    const first =
      state.kind === 'damaged' && !isRepair
        ? 'Stop the server, run "aduana doctor --repair", and then import'
        : 'Import'
    pen.problem(
      `${title} ${flaw}. It is needed for ${named}. ${first} the very same update again, or restore a backup.`,
      name,
    )
  }

  return {
    name: 'blobs',
    title: 'Blobs',
    needs: ['database', 'schema', 'store'],
    async run(pen) {
      const { count, bytes } = await sumCopies(database())
      let doneBytes = 0
      const onBytes = (more: number) => {
        doneBytes += more
        pen.progress(doneBytes, bytes)
      }
      for (let after = ''; ; ) {
        const page = await listCopies(database(), { after, limit: PAGE_ROWS })
        for (const copy of page) await examine(copy, pen, onBytes)
        const last = page.at(-1)
        if (last === undefined) break
        after = last.sha256
      }
      const how = isDeep ? 'every byte was hashed' : 'sizes were compared; --deep hashes every byte'
      return `${count} blobs with ${bytes} bytes in all; ${how}.`
    },
  }
}
