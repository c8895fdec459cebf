import { setImmediate as breathe } from 'node:timers/promises'
import { readContentPath } from '../../domain/distribution.ts'
import type { Database, Statement } from '../../ports/database.ts'
import type { NamedStore, StoredCopy } from '../../ports/distribution-store.ts'
import {
  databaseTime,
  isNoted,
  listNotedCopies,
  type NotedCopy,
  noteCheck,
  redoCopy,
  type StoreFindings,
  wantPart,
} from '../../store/distribution/distribution-checks.ts'

/** Rows that one statement looks at, so that a large catalogue holds nobody up. */
const PART_SIZE = 500

/** Longer than any import may take: whatever is younger may be a copy that an import makes before it publishes its update. */
const UNKNOWN_AGE_MS = 24 * 3600 * 1000

/**
 * Compares a store with the catalogue, both from one end to the other, and has put right what differs: files that the store was never told
 * of and copies that it has lost are due to be copied, those that nobody wants any more to be deleted. What lies there unknown for a day
 * is deleted at once. Answers and notes what was found.
 *
 * Memory does not depend on how much there is. A store that cannot be listed to its end changes nothing beyond that end; what it does not
 * let be deleted makes the check fail, but only at its end. May be ended by `signal`, and run beside any other work.
 */
export async function reconcileStore(
  { database, name, store }: { database: Database } & NamedStore,
  signal: AbortSignal,
): Promise<StoreFindings> {
  const since = await databaseTime(database)
  for (let next: string | undefined = ''; next !== undefined; ) {
    // Databases that answer at once would not let anybody else have a turn.
    await breathe(undefined, { signal })
    next = await wantPart(database, name, { after: next, limit: PART_SIZE })
  }

  const findings: StoreFindings = { listed: 0, missing: 0, deleted: 0 }
  let failure: { error: unknown } | undefined
  let redo: Statement[] = []
  async function flush(): Promise<void> {
    if (redo.length > 0) await database.batch(redo)
    redo = []
  }
  for await (const { noted, found } of inStep(notedCopies(database, name, signal), store.list())) {
    signal.throwIfAborted()
    if (found !== undefined) findings.listed += 1
    if (noted !== undefined) {
      const isMissing = noted.state === 'Present' && found?.sizeInBytes !== noted.sizeInBytes
      const state = stateAfter(noted, isMissing)
      if (state === 'Waiting' && isMissing) findings.missing += 1
      if (state !== undefined) redo.push(redoCopy({ store: name, contentId: noted.contentId, state, since }))
      if (redo.length === PART_SIZE) await flush()
    } else if (found !== undefined && (await isForgotten(found, { database, name }))) {
      await store.delete(found.path).catch((error: unknown) => {
        failure ??= { error }
      })
      findings.deleted += 1
    }
  }
  await flush()
  if (failure !== undefined) throw failure.error
  await noteCheck(database, name, findings)
  return findings
}

/** The state that a copy must begin anew with; undefined if all is well with it. */
function stateAfter({ isWanted, state }: NotedCopy, isMissing: boolean): 'Waiting' | 'Dropping' | undefined {
  if (!isWanted) return state === 'Dropping' ? undefined : 'Dropping'
  return isMissing || state === 'Dropping' ? 'Waiting' : undefined
}

/** Asked once more, since an update may have been published after its part of the rows was read. */
async function isForgotten(
  { path, storedAt }: StoredCopy,
  { database, name }: { database: Database; name: string },
): Promise<boolean> {
  const content = readContentPath(path)
  return content !== undefined && storedAt < Date.now() - UNKNOWN_AGE_MS && !(await isNoted(database, name, content))
}

async function* notedCopies(database: Database, store: string, signal: AbortSignal): AsyncGenerator<NotedCopy> {
  for (let after = ''; ; ) {
    await breathe(undefined, { signal })
    const part = await listNotedCopies(database, store, { after, limit: PART_SIZE })
    yield* part
    const last = part.at(-1)
    if (last === undefined || part.length < PART_SIZE) return
    after = last.contentId
  }
}

/** Each noted copy with what was found of it, and what was found of no noted copy. Both come in the order of their content ids. */
async function* inStep(
  allNoted: AsyncIterator<NotedCopy>,
  allFound: AsyncIterable<StoredCopy>,
): AsyncGenerator<{ noted?: NotedCopy; found?: StoredCopy | undefined }> {
  let noted = await nextOf(allNoted)
  let ofNoted: StoredCopy | undefined
  for await (const found of allFound) {
    const { contentId = '', fileName } = readContentPath(found.path) ?? {}
    for (; noted !== undefined && noted.contentId < contentId; noted = await nextOf(allNoted)) {
      yield { noted, found: ofNoted }
      ofNoted = undefined
    }
    if (noted?.contentId === contentId && noted.fileName === fileName) ofNoted = found
    else yield { found }
  }
  for (; noted !== undefined; noted = await nextOf(allNoted)) {
    yield { noted, found: ofNoted }
    ofNoted = undefined
  }
}

async function nextOf<T>(iterator: AsyncIterator<T>): Promise<T | undefined> {
  const step = await iterator.next()
  return step.done ? undefined : step.value
}
