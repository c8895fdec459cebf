import { hexOfBase64 } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { ImportRequest } from '../../domain/import-request.ts'
import type { ClaimedOperation, FilePhase } from '../../domain/operation.ts'
import type { ServiceLimits } from '../../domain/service-limits.ts'
import { wireVerdict } from '../../domain/verdict.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import type { StartDigest } from '../../ports/digest.ts'
import type { NamedStore } from '../../ports/distribution-store.ts'
import type { OpenSource } from '../../ports/source.ts'
import { type Attributes, type Tracing, UNTRACED } from '../../ports/tracing.ts'
import { findBlob, holdContents } from '../../store/blobs/blobs.ts'
import { guardAttempt, holdsOperation } from '../../store/operations/attempts.ts'
import {
  type FilePosition,
  listProgress,
  type NotedFile,
  noteFiles,
  notePartial,
  noteProgress,
  progressStatement,
} from '../../store/operations/progress.ts'
import { type NewContent, type NewUpdate, publishUpdates } from '../../store/updates/publish.ts'
import { reachStores } from '../distribution/reach-stores.ts'
import { forEachLimited } from '../for-each-limited.ts'
import { isDatabaseFailure, LostAttempt } from '../operations/attempt-end.ts'
import { createProgressNews } from '../operations/progress-news.ts'
import { refuseInfected } from '../scanning/refuse-infected.ts'
import type { ScanPolicy } from '../scanning/scan-policy.ts'
import { cannotProcessFile } from '../sources/cannot-download.ts'
import type { RetryPolicy } from '../sources/read-source.ts'
import { fetchItems, type Item } from './fetch-items.ts'
import { cannotParse, keepManifest } from './fetch-manifest.ts'
import { ingestFile } from './ingest-file.ts'
import { judgeCandidates } from './judge-candidates.ts'
import type { MatchedFile } from './match-files.ts'
import { noteUpdates } from './note-updates.ts'

/** Files of one import that are stored, or copied, at the same time. */
const FILES_AT_ONCE = 4
/** Somebody else may change what was judged a moment ago; that many times in a row is no accident any more. */
const PUBLISH_TRIES_MAX = 5

export interface ImportContext {
  database: Database
  blobs: BlobStore
  openSource: OpenSource
  retry?: RetryPolicy | undefined
  startDigest?: StartDigest | undefined
  limits: ServiceLimits
  scan: ScanPolicy
  /** Where files are to be copied to; nowhere, unless told. */
  distribution?: ImportDistribution | undefined
  tracing?: Tracing | undefined
  signal: AbortSignal
}

export interface ImportDistribution {
  /** The names of all stores. */
  stores: readonly string[]
  /** Those that have to have a copy before its update is published. */
  required: readonly NamedStore[]
  /** Pauses before a file is tried again, in milliseconds. */
  pausesMs?: readonly number[]
}

/**
 * Runs one attempt at an import: manifests, then every file, then all updates published with the operation's end in one batch.
 * Every step may run twice. Throws `AppError` where the import must fail, and `LostAttempt` where another worker has it by now.
 */
export async function runImport(
  operation: ClaimedOperation,
  request: ImportRequest,
  context: ImportContext,
): Promise<void> {
  try {
    await importAll(operation, request, context)
  } catch (error) {
    const isOver = error instanceof AppError && !context.signal.aborted && !isDatabaseFailure(error)
    if (isOver && (await holdsOperation(context.database, operation))) await abandonPartials(operation, context)
    throw error
  }
}

async function importAll(
  operation: ClaimedOperation,
  { inputs }: ImportRequest,
  context: ImportContext,
): Promise<void> {
  const { database, tracing = UNTRACED } = context
  const items = await fetchItems(inputs, context)
  /** Items whose update is there, but has lost bytes: only those are brought back. */
  const healed = new Set<Item>()
  // Judged before anything is downloaded, and again before publishing, since others go on meanwhile.
  const judge = async (): Promise<Map<string, string[]>> => {
    const { objections, wrongReferences, childIds } = await judgeCandidates(items, { ...context, operation, healed })
    const [objection] = objections
    if (objection !== undefined) throw objection.error
    if (wrongReferences.length > 0) throw cannotParse(wrongReferences.map(({ error }) => error))
    return childIds
  }
  try {
    await judge()
  } catch (error) {
    // Who asks for a refused import sees all the same what it was about.
    await database.batch([guardAttempt(operation), ...noteUpdates(operation, items)])
    throw error
  }
  const files = items.flatMap(filesOf)
  await notePlan(items, files, operation, database)

  const contents = await storeAll(items, files, operation, context)
  const updates = new Map<Item, NewUpdate>()
  for (const [index, item] of items.entries()) {
    const { id, manifest, input } = item
    updates.set(item, {
      id,
      manifest,
      manifestSha256: sha256OfManifest(item),
      ...(input.friendlyName !== undefined && { friendlyName: input.friendlyName }),
      contents: contents[index] ?? new Map(),
    })
  }

  const { stores = [], required = [] } = context.distribution ?? {}
  /** Items whose files have reached the stores that they must reach. */
  const reached = new Set<Item>()
  for (let tries = 1; ; ) {
    const childIds = await judge()
    const far = items.flatMap((item, index) =>
      required.length === 0 || healed.has(item) || reached.has(item) ? [] : [...(contents[index] ?? [])],
    )
    if (far.length > 0) {
      await reachRequired(far, operation, context)
      for (const item of items) if (!healed.has(item)) reached.add(item)
      // That took its time, so everything is judged again.
      continue
    }
    const published = items.flatMap((item) => (healed.has(item) ? [] : (updates.get(item) ?? [])))
    const refusal = await tracing.inSpan({ name: 'publish', attributes: { 'aduana.updates': published.length } }, () =>
      publishUpdates(database, {
        attempt: operation,
        instance: operation.instance,
        updates: published,
        childIds,
        distribution: stores.map((store) => ({ store, isThere: required.some(({ name }) => name === store) })),
      }),
    )
    if (refusal === undefined) return
    if (refusal === 'infected') await refuseInfected(published, database)
    if (refusal === 'lost-attempt' || tries === PUBLISH_TRIES_MAX) throw new LostAttempt()
    // Between judging and publishing somebody took the identity or deleted a child: the next judgement says which.
    tries += 1
  }
}

interface IngestedContent extends NewContent, FilePosition {
  sizeInBytes: number
}

/** By file name. */
type Contents = Map<string, IngestedContent>

/** A file of an import, and where it stands in the request. */
type PlacedFile = MatchedFile & FilePosition

function filesOf({ files }: Item, item: number): PlacedFile[] {
  return files.map((file, ordinal) => ({ ...file, item, ordinal }))
}

function sha256OfManifest({ input }: Item): string {
  return hexOfBase64(input.importManifest.hashes.sha256 ?? '')
}

function sha256OfFile({ hashes }: MatchedFile): string {
  return hexOfBase64(hashes.sha256 ?? '')
}

/** Contents that are held in one batch. With many more, imports on several nodes would be in each other's way on PostgreSQL. */
const HELD_AT_ONCE = 50

/** Notes everything that the import is going to do: in as few batches as may be, since each waits for a disk. */
async function notePlan(
  items: readonly Item[],
  files: readonly PlacedFile[],
  operation: ClaimedOperation,
  database: Database,
): Promise<void> {
  const contents = [...new Set([...items.map(sha256OfManifest), ...files.map(sha256OfFile)])]
  let notes = [...noteUpdates(operation, items), ...noteFiles(operation, files)]
  for (let at = 0; at < contents.length; at += HELD_AT_ONCE) {
    const held = holdContents(operation, contents.slice(at, at + HELD_AT_ONCE))
    await database.batch([guardAttempt(operation), ...notes, ...held])
    notes = []
  }
}

/** Brings the bytes of all manifests and files into the store. Answers, for each item, its contents by file name. */
async function storeAll(
  items: readonly Item[],
  files: readonly PlacedFile[],
  operation: ClaimedOperation,
  context: ImportContext,
): Promise<Contents[]> {
  const before = await listProgress(context.database, operation.operationId)
  const contents: Contents[] = items.map(() => new Map())
  const tasks = [
    ...items.map((item) => () => keepManifest({ bytes: item.bytes, sha256: sha256OfManifest(item) }, context)),
    ...files.map((file) => async (signal: AbortSignal) => {
      const earlier = before.find(({ item, ordinal }) => item === file.item && ordinal === file.ordinal)
      if (earlier === undefined) throw new Error(`${file.fileName} was not noted before it is ingested`)
      const content = await storeFile(file, earlier, operation, { ...context, signal })
      contents[file.item]?.set(file.fileName, content)
    }),
  ]
  await forEachLimited(tasks, { limit: FILES_AT_ONCE, signal: context.signal }, (task, signal) => task(signal))
  return contents
}

/** Goes on from what was noted `earlier`, of this attempt or of one before. */
async function storeFile(
  file: PlacedFile,
  { contentId, phase, left }: NotedFile,
  operation: ClaimedOperation,
  context: ImportContext,
): Promise<IngestedContent> {
  const { database, tracing = UNTRACED } = context
  const { sizeInBytes, item, ordinal } = file
  const news = createProgressNews((bytesDone) =>
    noteProgress(database, operation, file, { bytesDone, phase: 'Downloading' }),
  )
  try {
    const { sha256, verdict } = await tracing.inSpan({ name: 'ingest file', attributes: factsOf(file) }, () =>
      ingestFile(file, {
        ...context,
        instance: operation.instance,
        doneBefore: phase === 'Done' || phase === 'Distributing',
        left,
        async factsWhenStored() {
          // What is still being told must not come after it.
          await news.end()
          return [progressStatement(operation, file, { bytesDone: sizeInBytes, phase: 'Done' })]
        },
        onPartial: (partial) => notePartial(database, operation, file, partial),
        onProgress: async (bytesDone) => news.tell(bytesDone),
      }),
    )
    return { contentId, sha256, ...wireVerdict(verdict), sizeInBytes, item, ordinal }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw cannotProcessFile(file, error)
  } finally {
    // Not waited for: where the database is away, too, a failed file would wait for news of it.
    void news.end()
  }
}

function factsOf({ sizeInBytes, item, ordinal }: PlacedFile): Attributes {
  return { 'aduana.item.index': item, 'aduana.file.index': ordinal, 'aduana.file.size': sizeInBytes }
}

/** Copies files that are in the store to those stores that must have them before anybody sees the update. */
async function reachRequired(
  files: readonly [fileName: string, content: IngestedContent][],
  operation: ClaimedOperation,
  { database, blobs, distribution, signal: stopped }: ImportContext,
): Promise<void> {
  const { required = [], pausesMs } = distribution ?? {}
  await forEachLimited(files, { limit: FILES_AT_ONCE, signal: stopped }, async ([fileName, content], signal) => {
    const { contentId, sha256, sizeInBytes, item, ordinal } = content
    const note = (phase: FilePhase) =>
      noteProgress(database, operation, { item, ordinal }, { bytesDone: sizeInBytes, phase })
    await note('Distributing')
    const blob = await findBlob(database, sha256)
    if (blob === undefined) throw new Error(`${fileName} was not stored before it is distributed`)
    const file = { contentId, fileName, sizeInBytes, sha256, blob: blob.name }
    await reachStores(file, { stores: required, blobs, signal, pausesMs })
    await note('Done')
  })
}

/** Drops what this and earlier attempts left of files, since none will go on with it. */
async function abandonPartials({ operationId }: ClaimedOperation, { database, blobs }: ImportContext): Promise<void> {
  for (const { left } of await listProgress(database, operationId)) {
    if (left !== undefined) await blobs.abandon(left.partial)
  }
}
