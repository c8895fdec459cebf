import type { BlobName } from '../../domain/blob.ts'
import type { StoredBlob } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { type CopyInForce, listCopies } from '../../store/blobs/inspect-blobs.ts'

const PAGE_ROWS = 1000

/** Every copy that is in force, in the order of names. */
export async function* copiesInForce(database: Database): AsyncGenerator<CopyInForce> {
  for (let after = ''; ; ) {
    const page = await listCopies(database, { after, limit: PAGE_ROWS })
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.sha256
  }
}

/** What several stores have, each name once: as the first store has it, which is the one that is read. */
export async function* listTogether(lists: readonly AsyncIterable<StoredBlob>[]): AsyncGenerator<StoredBlob> {
  const all = lists.map((list) => ({ list: list[Symbol.asyncIterator](), next: undefined as StoredBlob | undefined }))
  const advance = async (one: (typeof all)[number]) => {
    const step = await one.list.next()
    one.next = step.done ? undefined : step.value
  }
  await Promise.all(all.map(advance))
  for (;;) {
    const least = all.reduce<StoredBlob | undefined>(
      (least, { next }) => (next && (!least || next.name < least.name) ? next : least),
      undefined,
    )
    if (least === undefined) return
    yield least
    await Promise.all(all.filter(({ next }) => next?.name === least.name).map(advance))
  }
}

/**
 * Copies in force beside what a list says is stored, by one pass through both: each name that either of them has, once. Both must be in the
 * order of names; where the list is not, a copy in force may come without what is stored of it, and the other way round.
 */
export async function* inStep(
  copies: AsyncIterator<CopyInForce>,
  list: AsyncIterable<StoredBlob>,
): AsyncGenerator<{ copy?: CopyInForce; stored?: StoredBlob }> {
  let copy = await nextOf(copies)
  for await (const stored of list) {
    for (; copy !== undefined && copy.name < stored.name; copy = await nextOf(copies)) yield { copy }
    if (copy?.name === stored.name) {
      yield { copy, stored }
      copy = await nextOf(copies)
    } else yield { stored }
  }
  for (; copy !== undefined; copy = await nextOf(copies)) yield { copy }
}

async function nextOf<T extends { name: BlobName }>(iterator: AsyncIterator<T>): Promise<T | undefined> {
  const step = await iterator.next()
  return step.done ? undefined : step.value
}
