import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseStoreAddress } from '../../src/adapters/object-store/store-address.ts'
import { openHttpSource } from '../../src/adapters/source/source-http.ts'
import type { SourceLimits } from '../../src/adapters/source/source-limits.ts'
import { createSourcePolicy, parseAllowedSource } from '../../src/adapters/source/source-policy.ts'
import { openSqlite, SQLITE_DIALECT } from '../../src/adapters/sqlite/database-sqlite.ts'
import { openStore } from '../../src/compose/store.ts'
import type { ClaimedOperation, OperationRequest } from '../../src/domain/operation.ts'
import type { BlobStore } from '../../src/ports/blob-store.ts'
import type { Database } from '../../src/ports/database.ts'
import type { OpenSource } from '../../src/ports/source.ts'
import { runImport } from '../../src/services/importing/run-import.ts'
import { createInstances } from '../../src/store/instances.ts'
import { migrate } from '../../src/store/migrate.ts'
import { claimOperation } from '../../src/store/operations/attempts.ts'
import { recordOperation } from '../../src/store/operations/record-operation.ts'
import { type MisbehavingSource, startSource } from './misbehaving-source.ts'
import { newContainer } from './new-container.ts'
import { openDatabase } from './open-database.ts'
import { asImportInput, type PublishedUpdate, publishUpdate, type UpdateRecipe } from './publish-update.ts'

const MINUTE_MS = 60_000

/** What services work with: a real database, store and source of their own, but no server around them. */
export interface Pipeline extends AsyncDisposable {
  database: Database
  blobs: BlobStore
  source: MisbehavingSource
  openSource: OpenSource
  folder: string
  /** Records an operation as the API does. */
  record(request: OperationRequest, instance?: string): Promise<string>
  /** Hands out the operation that waits longest. */
  claim(leaseMs?: number): Promise<ClaimedOperation>
  /** Records an import, and hands it out. */
  begin(updates: readonly PublishedUpdate[], instance?: string): Promise<ClaimedOperation>
  /** Runs one attempt; `context` stands in for parts of the pipeline. */
  run(operation: ClaimedOperation, context?: Partial<Parameters<typeof runImport>[2]>): Promise<void>
  /** Publishes the update at the source and imports it. */
  import(recipe?: UpdateRecipe, instance?: string): Promise<PublishedUpdate>
  /** Names of what is being written in the store. */
  partials(): Promise<string[]>
}

/**
 * Starts one with the instances `default` and `other`. `onDisk` lays the folder out as a server's data folder, with the database in
 * it; otherwise the folder is the store alone. `inFolder` is for tests that look into it: the store is that folder, also where tests run
 * on another one.
 */
export async function startPipeline({
  limits = {},
  onDisk = false,
  inFolder = onDisk,
}: {
  limits?: Partial<SourceLimits>
  onDisk?: boolean
  inFolder?: boolean
} = {}): Promise<Pipeline> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-pipeline-'))
  const store = onDisk ? join(folder, 'blobs') : folder
  const database = onDisk ? openSqlite(join(folder, 'aduana.db')) : await openDatabase()
  if (onDisk) await migrate(database, SQLITE_DIALECT)
  await createInstances(database, ['default', 'other'])
  const container = inFolder ? undefined : newContainer()
  const blobs = await openStore(parseStoreAddress(container?.address ?? store), {})
  const source = await startSource()
  const policy = createSourcePolicy([parseAllowedSource('127.0.0.0/8')])
  const http = openHttpSource({ policy, version: '0.0.0', limits })

  const pipeline: Pipeline = {
    database,
    blobs,
    source,
    openSource: http.open,
    folder,
    async record(request, instance = 'default') {
      const operationId = randomUUID()
      await recordOperation(database, { operationId, instance, request, requestedBy: 'a test', traceId: '0' })
      return operationId
    },
    async claim(leaseMs = MINUTE_MS) {
      const operation = await claimOperation(database, leaseMs)
      if (operation === undefined) throw new Error('No operation waits.')
      return operation
    },
    async begin(updates, instance) {
      await pipeline.record({ kind: 'import', inputs: updates.map(({ input }) => asImportInput(input)) }, instance)
      return pipeline.claim()
    },
    async run(operation, context = {}) {
      if (operation.request.kind !== 'import') throw new Error('This is no import.')
      const { signal } = new AbortController()
      await runImport(operation, operation.request, {
        database,
        blobs,
        openSource: http.open,
        retry: { triesMax: 1, pauseMs: 0 },
        limits: {},
        scan: { mode: 'required' },
        signal,
        ...context,
      })
    },
    async import(recipe, instance) {
      const update = publishUpdate(source, recipe)
      await pipeline.run(await pipeline.begin([update], instance))
      return update
    },
    partials: () => container?.partials() ?? readdir(join(store, 'partial')),
    async [Symbol.asyncDispose]() {
      await http.close()
      await source[Symbol.asyncDispose]()
      await database.close()
      await container?.remove()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return pipeline
}

/** The database, but what `meanwhile` does comes between the first statement that fits and whatever its caller does next. */
export function interrupted(database: Database, statement: RegExp, meanwhile: () => Promise<unknown>): Database {
  let isDue = true
  async function after(sql: string): Promise<void> {
    if (!isDue || !statement.test(sql)) return
    isDue = false
    await meanwhile()
  }
  return {
    ...database,
    async query(sql, params) {
      const rows = await database.query(sql, params)
      await after(sql)
      return rows
    },
    async batch(statements) {
      await database.batch(statements)
      for (const { sql } of statements) await after(sql)
    },
  }
}
