import { contentPath } from '../../domain/distribution.ts'
import { wireTime } from '../../domain/times.ts'
import type { Database } from '../../ports/database.ts'
import type { NamedStore } from '../../ports/distribution-store.ts'
import { type KeptStore, listFailingCopies, listKeptStores } from '../../store/distribution/inspect-distribution.ts'
import type { Pen, Step } from './step.ts'

/** Stores are checked at least once a day: what nobody has seen for longer is configured no more. */
const FORGOTTEN_MS = 2 * 24 * 3600 * 1000
/** What failed less often may have been bad luck. */
const TRIES_MIN = 3
/** The others fail for the same reason more often than not. */
const NAMED_MAX = 10

/** What no store has. */
const NOTHING = contentPath({ contentId: '0'.repeat(32), fileName: 'doctor' })

/**
 * Whether distribution stores have what they should have, by what servers have noted. Those that are `configured` are asked whether they
 * can be used.
 */
export function checkDistribution(
  database: () => Database,
  { configured, isServerRunning }: { configured: () => Promise<readonly NamedStore[]>; isServerRunning: boolean },
): Step {
  async function ask({ name, store }: NamedStore, kept: readonly KeptStore[], pen: Pen): Promise<void> {
    await store.size(NOTHING).catch((error) => {
      pen.problem(
        `The distribution store ${name} cannot be used: ${error instanceof Error ? error.message : error}`,
        name,
      )
    })
    if (kept.some(({ store }) => store === name)) return
    pen.note(`No server has looked after the distribution store ${name} so far. Has it the same --distribute?`, name)
  }

  async function examine(store: KeptStore, pen: Pen): Promise<void> {
    const title = `distribution store ${store.store}`
    if (store.seenMs > FORGOTTEN_MS) {
      const days = Math.floor(store.seenMs / 86_400_000)
      const what = `Nobody has looked after the ${title} for ${days} days`
      if (isServerRunning)
        pen.note(`${what}: the server at work does not have it in --distribute. What is there stays there.`)
      else pen.note(`${what}. A server that has it in --distribute does so after its start.`)
      return
    }
    if (store.failure !== undefined) {
      pen.warn(`The ${title} could not be checked (${store.failure}). The server tries it again.`, store.store)
    }
    const failing = await listFailingCopies(database(), store.store, { triesMin: TRIES_MIN, limit: NAMED_MAX + 1 })
    for (const { title: file, isWanted, since, tries, reason } of failing.slice(0, NAMED_MAX)) {
      const what = isWanted ? 'is missing at' : 'should be gone from'
      pen.warn(`${file} ${what} the ${title} since ${wireTime(since)}, after ${tries} tries: ${reason}`, store.store)
    }
    if (failing.length > NAMED_MAX) pen.warn(`There are more of these at the ${title}.`, store.store)
  }

  return {
    name: 'distribution',
    title: 'Distribution',
    needs: ['database', 'schema'],
    async run(pen) {
      const stores = await listKeptStores(database())
      for (const store of await configured()) await ask(store, stores, pen)
      for (const store of stores) await examine(store, pen)
      if (stores.length === 0) return 'There are none.'
      return stores
        .map(({ store, present, waiting, dropping }) => {
          return `${store} has ${present} files, ${waiting} wait to be copied, ${dropping} to be deleted.`
        })
        .join(' ')
    },
  }
}
