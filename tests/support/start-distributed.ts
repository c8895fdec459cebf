import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDistributionFolder } from '../../src/adapters/filesystem/distribution-folder.ts'
import type { DistributionStore } from '../../src/ports/distribution-store.ts'
import { type DistributionContext, distribute } from '../../src/services/distribution/distribute.ts'
import { reconcileStore } from '../../src/services/distribution/reconcile-store.ts'
import type { StoreFindings } from '../../src/store/distribution/distribution-checks.ts'
import { checkCopies, filesIn } from './check-copies.ts'
import { type PublishedUpdate, publishUpdate, type UpdateRecipe } from './publish-update.ts'
import { type Pipeline, startPipeline } from './start-pipeline.ts'

export const CDN = 'cdn'

/** A pipeline with a distribution store `cdn`, which is a folder. Nothing is done there unless a test does it. */
export interface Distributed extends Pipeline {
  cdn: DistributionStore
  /** Of the store; made by the first copy. */
  cdnFolder: string
  /** Imports an update whose files are wanted at the store. */
  bring(recipe?: UpdateRecipe, instance?: string): Promise<PublishedUpdate>
  /** Imports updates of one file each, with these texts in them. */
  bringTexts(...texts: string[]): Promise<void>
  /** Does all that is due. */
  distribute(context?: Partial<DistributionContext>, signal?: AbortSignal): Promise<void>
  check(store?: DistributionStore, signal?: AbortSignal): Promise<StoreFindings>
  /** What is not as it should be there. */
  flaws(): Promise<string[]>
  /** Paths of everything that is there. */
  paths(): Promise<string[]>
  /** Makes everything due at once. */
  makeDue(): Promise<void>
}

const forever = () => new AbortController().signal

export const QUICK_PAUSES = { firstMs: 1, longestMs: 4, awayMs: 1 }

export async function startDistributed(): Promise<Distributed> {
  const pipeline = await startPipeline()
  const { database, blobs, source } = pipeline
  const parent = await mkdtemp(join(tmpdir(), 'aduana-cdn-'))
  const folder = join(parent, CDN)
  const cdn = openDistributionFolder(folder)
  const dispose = pipeline[Symbol.asyncDispose].bind(pipeline)

  const distributed: Distributed = Object.assign(pipeline, {
    cdn,
    cdnFolder: folder,
    async bring(recipe?: UpdateRecipe, instance?: string) {
      const update = publishUpdate(source, recipe)
      const operation = await pipeline.begin([update], instance)
      await pipeline.run(operation, { distribution: { stores: [CDN], required: [] } })
      return update
    },
    async bringTexts(...texts: string[]) {
      for (const text of texts) await distributed.bring({ files: [{ name: 'a.bin', bytes: Buffer.from(text) }] })
    },
    distribute: (context: Partial<DistributionContext> = {}, signal = forever()) =>
      distribute(
        { database, blobs, name: CDN, store: cdn, log: { info() {}, warn() {} }, pauses: QUICK_PAUSES, ...context },
        signal,
      ),
    check: (store = cdn, signal = forever()) => reconcileStore({ database, name: CDN, store }, signal),
    flaws: () => checkCopies(database, { store: CDN, folder }),
    paths: () => filesIn(folder),
    async makeDue() {
      await database.query('update distribution set due_at = 0 where due_at is not null')
    },
    async [Symbol.asyncDispose]() {
      await dispose()
      await rm(parent, { recursive: true, force: true })
    },
  })
  return distributed
}

/** A store of which a test breaks some methods. */
export function broken(store: DistributionStore, methods: Partial<DistributionStore>): DistributionStore {
  return { ...store, ...methods }
}
