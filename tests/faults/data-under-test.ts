import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFilesystemBlobs } from '../../src/adapters/filesystem/blobs-filesystem.ts'
import { openDistributionFolder } from '../../src/adapters/filesystem/distribution-folder.ts'
import { openSqlite, SQLITE_DIALECT } from '../../src/adapters/sqlite/database-sqlite.ts'
import { AppError } from '../../src/domain/errors.ts'
import { asOperationError, type ClaimedOperation, type OperationRequest } from '../../src/domain/operation.ts'
import { wireTime } from '../../src/domain/times.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { Database } from '../../src/ports/database.ts'
import type { DistributionStore } from '../../src/ports/distribution-store.ts'
import type { Scanner } from '../../src/ports/scanner.ts'
import type { OpenSource } from '../../src/ports/source.ts'
import { runCheck } from '../../src/services/checking/run-check.ts'
import { runDeletion } from '../../src/services/deleting/run-deletion.ts'
import { sweep, sweepLeftovers } from '../../src/services/deleting/sweep.ts'
import { distribute } from '../../src/services/distribution/distribute.ts'
import { reconcileStore } from '../../src/services/distribution/reconcile-store.ts'
import { runImport } from '../../src/services/importing/run-import.ts'
import { withStaging } from '../../src/services/staging/staged-source.ts'
import { createInstances } from '../../src/store/instances.ts'
import { migrate } from '../../src/store/migrate.ts'
import { claimOperation, endStatements, releaseAllLeases } from '../../src/store/operations/attempts.ts'
import { listPartials } from '../../src/store/operations/progress.ts'
import { recordOperation } from '../../src/store/operations/record-operation.ts'
import { asImportInput, type PublishedUpdate } from '../support/publish-update.ts'

/** Everything that services reach the world by. */
export interface Ports {
  database: Database
  blobs: BlobStore
  openSource: OpenSource
  scanner: Scanner | undefined
  /** A distribution store, and whether imports must reach it. */
  cdn: DistributionStore
  mustReachCdn?: true
}

/** What is not in the data folder, and what is. */
export type Outside = Pick<Ports, 'openSource' | 'scanner' | 'mustReachCdn'>
type Inside = Pick<Ports, 'database' | 'blobs' | 'cdn'>

/** The name of the distribution store. */
export const CDN = 'cdn'

const MINUTE_MS = 60_000
const TWO_DAYS_MS = 2 * 24 * 3600 * 1000

/** A data folder on disk and what a server does with it, one thing at a time and without a process of its own. */
export class DataUnderTest implements AsyncDisposable {
  readonly folder: string
  readonly #outside: Outside
  #inside: Inside

  private constructor(folder: string, outside: Outside, inside: Inside) {
    this.folder = folder
    this.#outside = outside
    this.#inside = inside
  }

  /** Makes one with the instances `default` and `other`, or a copy of another that is closed. */
  static async make(outside: Outside, template?: string): Promise<DataUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'aduana-faults-'))
    if (template !== undefined) await cp(template, folder, { recursive: true })
    return new DataUnderTest(folder, outside, await open(folder, template === undefined))
  }

  get ports(): Ports {
    return { ...this.#inside, ...this.#outside }
  }

  /** What a server does when it starts after another one died. */
  async restart(): Promise<void> {
    await this.close()
    this.#inside = await open(this.folder)
    const { database, blobs } = this.#inside
    await releaseAllLeases(database)
    await blobs.dropAbandoned(0, await listPartials(database))
  }

  /** Records an import. Answers the operation's id. */
  async recordImport(updates: readonly PublishedUpdate[], instance = 'default'): Promise<string> {
    return this.record({ kind: 'import', inputs: updates.map(({ input }) => asImportInput(input)) }, instance)
  }

  async record(request: OperationRequest, instance = 'default'): Promise<string> {
    const operationId = randomUUID()
    await recordOperation(this.#inside.database, {
      operationId,
      instance,
      request,
      requestedBy: 'a test',
      traceId: '0',
    })
    return operationId
  }

  /** Runs all that waits, as a worker does. */
  async runAll(): Promise<void> {
    for (;;) {
      const operation = await claimOperation(this.#inside.database, MINUTE_MS)
      if (operation === undefined) return
      await runToItsEnd(operation, this.ports)
    }
  }

  /** Deletes all that may be deleted, however young it is. */
  async sweepAll(): Promise<void> {
    await this.makeOld()
    await sweep(this.ports, { graceMs: 0 })
    await sweepLeftovers(this.ports, new AbortController().signal)
  }

  /** Where the distribution store is. */
  get cdnFolder(): string {
    return join(this.folder, CDN)
  }

  /** Has the distribution store made what it should be, whatever has failed before. */
  async distributeAll(ports = this.ports): Promise<void> {
    const { database, blobs, cdn } = ports
    const { signal } = new AbortController()
    const log = { info() {}, warn() {} }
    await reconcileStore({ database, name: CDN, store: cdn }, signal)
    await this.#inside.database.query('update distribution set due_at = 0 where due_at is not null')
    const pauses = { firstMs: 0, longestMs: 0, awayMs: 0 }
    await distribute({ database, blobs, name: CDN, store: cdn, log, pauses }, signal)
  }

  /** Makes every file in the store, or in another folder, look two days old. */
  async makeOld(folder = join(this.folder, 'blobs')): Promise<void> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const then = new Date(Date.now() - TWO_DAYS_MS)
    const files = entries.filter((entry) => entry.isFile())
    await Promise.all(files.map((entry) => utimes(join(entry.parentPath, entry.name), then, then)))
  }

  async close(): Promise<void> {
    await this.#inside.database.close()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

async function open(folder: string, isNew = false): Promise<Inside> {
  // What the operating system has outlives the process. Waiting for the disk, and for threads to start, takes most of the time of
  // thousands of runs.
  const database = openSqlite(join(folder, 'aduana.db'), { writesHere: true })
  await database.query('pragma synchronous = off')
  if (isNew) {
    await migrate(database, SQLITE_DIALECT)
    await createInstances(database, ['default', 'other'])
  }
  return {
    database,
    blobs: await openFilesystemBlobs({ folder: join(folder, 'blobs') }),
    cdn: openDistributionFolder(join(folder, CDN)),
  }
}

/** Runs one attempt at an operation. Throws what the attempt throws. */
export async function runAttempt(
  operation: ClaimedOperation,
  { database, blobs, openSource, scanner, cdn, mustReachCdn }: Ports,
  signal = new AbortController().signal,
): Promise<void> {
  const { request } = operation
  if (request.kind === 'delete') return await runDeletion(operation, request.updateId, database)
  const judging = {
    database,
    blobs,
    openSource: withStaging(openSource, { database, blobs, operationId: operation.operationId }),
    retry: { triesMax: 3, pauseMs: 1 },
    limits: {},
    scan: { mode: 'required' as const, scanner, pausesMs: [] },
    signal,
  }
  if (request.kind === 'check') return await runCheck(operation, request, judging)
  await runImport(operation, request, {
    ...judging,
    distribution: { stores: [CDN], required: mustReachCdn ? [{ name: CDN, store: cdn }] : [], pausesMs: [] },
  })
}

/** Runs one attempt, and lets the operation fail where that says so, unless it `isCrash`. */
export async function runToItsEnd(
  operation: ClaimedOperation,
  ports: Ports,
  isCrash: (error: AppError) => boolean = () => false,
): Promise<void> {
  try {
    await runAttempt(operation, ports)
  } catch (error) {
    if (!(error instanceof AppError) || isCrash(error)) throw error
    const occurred = asOperationError(error, wireTime(Date.now()))
    await ports.database.batch(endStatements(operation, { status: 'Failed', error: occurred }))
  }
}
