// Whatever the service asks the database while it runs must find its rows by an index: a statement that reads a whole table is quick
// in every test and slow in the catalogue that matters. The statements are those that are really executed.
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CORE, fillCatalogue, INSTANCES } from '../bench/fill-catalogue.ts'
import { newBlobName } from '../src/domain/blob.ts'
import type { SqlValue } from '../src/ports/database.ts'
import * as audit from '../src/store/audit.ts'
import * as blobs from '../src/store/blobs/blobs.ts'
import * as rescans from '../src/store/blobs/rescans.ts'
import * as mark from '../src/store/blobs/store-mark.ts'
import * as verdicts from '../src/store/blobs/verdicts.ts'
import * as distribution from '../src/store/distribution/distribution.ts'
import * as checks from '../src/store/distribution/distribution-checks.ts'
import * as copies from '../src/store/distribution/distribution-status.ts'
import * as events from '../src/store/events/events.ts'
import * as deliveries from '../src/store/events/webhook-deliveries.ts'
import * as webhooks from '../src/store/events/webhooks.ts'
import { createInstances, listInstances } from '../src/store/instances.ts'
import * as nodes from '../src/store/nodes/nodes.ts'
import * as keys from '../src/store/nodes/shared-keys.ts'
import * as attempts from '../src/store/operations/attempts.ts'
import { countOperationsInProgress } from '../src/store/operations/operation-metrics.ts'
import { forgetOperations, listOperations, listRunningOperations } from '../src/store/operations/operations.ts'
import * as progress from '../src/store/operations/progress.ts'
import * as parts from '../src/store/staging/staged-parts.ts'
import * as staged from '../src/store/staging/staged-uploads.ts'
import { deleteUpdate } from '../src/store/updates/delete-update.ts'
import { SEARCH_BOUNDS } from '../src/store/updates/search-updates.ts'
import {
  findManifestBlob,
  findManifestSha256,
  findUpdate,
  listChildIds,
  listChildren,
  listUpdates,
} from '../src/store/updates/updates.ts'
import { countStorage, countUsage } from '../src/store/updates/usage.ts'
import { type AppInMemory, startAppInMemory } from './support/app-in-memory.ts'
import { explainerOf } from './support/explain.ts'
import { holdContent } from './support/hold-content.ts'
import { SHA256 } from './support/import-manifests.ts'
import { seedEveryState, WEBHOOK } from './support/seed-every-state.ts'

const UPDATES = 2000
const STORE = join(import.meta.dirname, '../src/store')

/** What reads a whole catalogue because that is its work, without a server or once before one begins. */
const OFFLINE = /(^|\/)(backup|copy-catalogue|inspect-[^/]*|migrate)\.ts$/

/** What may be read from its beginning to its end. */
const MAY_SCAN: { step: RegExp; why: string }[] = [
  { step: /^SCAN (clock|CONSTANT ROW)$/, why: 'a row that the statement itself makes' },
  {
    step: /^SCAN (keys|terms|entries|contents|c|d|waiting|numbered|oldest|\(subquery-\d+\))$/,
    why: 'what a part of the statement has found, as much as one page',
  },
  {
    step: /^SCAN (instances|nodes|duties|shared_keys|webhooks)\b/,
    why: 'an operator names or starts them by hand: a handful',
  },
  {
    step: /^SCAN webhook_deliveries USING (COVERING )?INDEX deliveries_by_(due|failure)$/,
    why: 'what webhooks did not take yet, counted when somebody asks for metrics',
  },
  {
    step: /^SCAN operations USING (COVERING )?INDEX operations_(in_progress|running)$/,
    why: 'what has not ended, which has a bound: the index has no other row',
  },
  {
    step: /^SCAN events USING (COVERING )?INDEX events_without_number$/,
    why: 'what is not told yet, for a moment: the index has no other row',
  },
]

/** What may be sorted after it was read, since it is little. */
const MAY_SORT: { sql: RegExp; why: string }[] = [
  { sql: /^select id from events where instance = 'default' and type/, why: 'asked by the seeds of this test' },
  { sql: /from instances/, why: 'a handful' },
  { sql: /from updates u left join files f on .* where u\.id = /, why: 'the files of one update' },
  { sql: /from update_references r join updates u/, why: 'the parents of the updates of one page' },
  { sql: /with recursive keys/, why: 'one page' },
  { sql: /and term >= \$6 and term < \$7 order by/, why: 'what a sought word begins, if that has a bound' },
  { sql: /^select \* from updates where id in/, why: 'the updates of one page' },
  { sql: /order by sha256 limit \$3\) c join blobs/, why: 'one page' },
  { sql: /scan_result = 'Infected'/, why: 'infected updates, which are few' },
  { sql: /order by at, step, id limit \$1\) waiting/, why: 'as many events as get numbers at once' },
]

/** What may walk through all that an instance has of a kind. */
const MAY_WALK: { sql: RegExp; why: string }[] = [
  { sql: /(into|from) webhooks\b/, why: 'an instance has twenty at most' },
  { sql: /^select id from events where instance = 'default' and type/, why: 'asked by the seeds of this test' },
  {
    sql: /^select \* from updates where instance = \$1 order by provider_key/,
    why: 'a page: it stops when the page is full',
  },
  {
    sql: /^select .* where o\.instance = \$2 and o\.kind = \$3 order by/,
    why: 'a page: it stops when the page is full',
  },
  { sql: /^select \* from audit .* limit/, why: 'a page' },
  { sql: /staged_uploads/, why: 'each owner may have a thousand, and the bytes of all have a bound' },
  { sql: /count\(distinct provider_key\)/, why: 'quotas count; asked only where one holds' },
]

let app: AppInMemory
let explainer: ReturnType<typeof explainerOf>
let session: Session
/** Every statement that was executed, with the values of its last execution. */
const executed = new Map<string, readonly SqlValue[]>()

before(async () => {
  session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })

  app = await startAppInMemory({ instances: [...INSTANCES, 'default', 'many'] })
  explainer = explainerOf(app.database)
  noteStatements()
  await seedEveryState(app.database, { traceId: '0'.repeat(32), instanceWithMany: 'many' })
  await fillCatalogue(app.database, UPDATES, () => {})
  await callStore()
  await callRoutes()
})

after(async () => {
  session.disconnect()
  await explainer.close()
  await app[Symbol.asyncDispose]()
})

test('every function of the store that asks the database was called', async () => {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const called = (path: string, name: string) =>
    result
      .filter(({ url }) => url.endsWith(`/src/store/${path}`))
      .flatMap(({ functions }) => functions)
      .some(({ functionName, ranges }) => functionName === name && (ranges[0]?.count ?? 0) > 0)
  const missing: string[] = []
  for (const path of globSync('**/*.ts', { cwd: STORE }).filter(
    (path) => !/\.test\.ts$/.test(path) && !OFFLINE.test(path),
  )) {
    for (const [name, value] of Object.entries(await import(join(STORE, path)))) {
      const asksDatabase = /^async function \w+\(\s*database\b/.test(String(value))
      if (asksDatabase && !called(path, name)) missing.push(`${path}: ${name}`)
    }
  }
  assert.deepEqual(missing, [], 'call them in this test, so that their plans are looked at')
})

test('no statement reads a whole table', async () => {
  const wrong: string[] = []
  for (const [sql, details] of await plans()) {
    for (const detail of details) {
      if (!detail.startsWith('SCAN ')) continue
      if (MAY_SCAN.some(({ step }) => step.test(detail))) continue
      wrong.push(`${detail}: ${sql.replace(/\s+/g, ' ')}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('no statement walks through all that an instance has, or all blobs that are in use', async () => {
  // Indexes of a few rows are left out: they hold only what has not ended, or what is infected. Almost no blob is idle.
  const walk =
    /^SEARCH (?!instances\b)\w+ USING (COVERING )?INDEX (?!operations_in_progress|operations_running|updates_infected)\S+ \((instance=\?( AND kind=\?)?|idle_since=\?)\)$/
  const wrong: string[] = []
  for (const [sql, details] of await plans()) {
    const text = sql.replace(/\s+/g, ' ').trim()
    if (MAY_WALK.some((allowed) => allowed.sql.test(text))) continue
    if (details.some((detail) => walk.test(detail))) wrong.push(text)
  }
  assert.deepEqual(wrong, [])
})

test('no list is sorted after it was read', async () => {
  const wrong = [...(await plans())]
    .filter(
      ([sql, details]) =>
        details.includes('USE TEMP B-TREE FOR ORDER BY') && !MAY_SORT.some((few) => few.sql.test(sql)),
    )
    .map(([sql]) => sql.replace(/\s+/g, ' '))
  assert.deepEqual(wrong, [])
})

function noteStatements(): void {
  const { query, batch } = app.database
  // The application holds this same object, so whatever it asks from now on comes through here.
  app.database.query = (sql, params = []) => {
    executed.set(sql, params)
    return query(sql, params)
  }
  app.database.batch = (statements) => {
    for (const { sql, params = [] } of statements) executed.set(sql, params)
    return batch(statements)
  }
}

/** The steps that the database takes for each statement that was executed. */
async function plans(): Promise<Map<string, string[]>> {
  const planned = new Map<string, string[]>()
  for (const [sql, params] of [...executed]) {
    if (!/^\s*(select|with|insert|update|delete)\b/i.test(sql)) continue
    planned.set(sql, await explainer.explain(sql, params))
  }
  return planned
}

/** What no route asks: the worker, the sweep and the rounds. Seeding has called what records, publishes and deletes. */
async function callStore(): Promise<void> {
  const { database } = app
  const instance = INSTANCES[0]!
  const updateId = { provider: CORE.provider, name: CORE.name, version: '1.0.1' }
  const update = await findUpdate(database, instance, updateId)
  assert.ok(update)
  const sha256 = Buffer.from(SHA256, 'base64').toString('hex')
  const name = newBlobName(sha256)
  const notScanned = { kind: 'NotScanned', reason: 'A test.', mayRecover: false } as const
  const call = { address: '::1', traceId: '0'.repeat(32) }

  await createInstances(database, [instance])
  await nodes.reportNode(database, { node: 'n', isApi: true, isWorker: true, version: '1' })
  await nodes.countLiveNodes(database, 1)
  await nodes.takeDuty(database, { duty: 'd', node: 'n', forMs: 1 })
  await nodes.forgetNode(database, 'n')
  await nodes.forgetDeadNodes(database, 0)
  await keys.offerSharedKeys(database, { key: 'value' })
  await mark.recordMark(database, { sha256: '0'.repeat(64), name: newBlobName('0'.repeat(64)), sizeInBytes: 1 })
  await mark.findMark(database)
  await mark.dropMark(database, '0'.repeat(64))
  await keys.replaceSharedKeys(database, { key: 'value' })
  await listInstances(database)
  const attempt = await attempts.claimOperation(database, 60_000)
  assert.ok(attempt)
  await attempts.renewLease(database, attempt, 60_000)
  await attempts.holdsOperation(database, attempt)
  const partial = { partial: name, sourceEtag: '"1"' }
  await progress.notePartial(database, attempt, { item: 0, ordinal: 0 }, partial)
  await progress.listProgress(database, attempt.operationId)
  await holdContent(database, { attempt, sha256 })
  await blobs.replaceBlob(database, { sha256, missing: name, name: newBlobName(sha256) })
  await blobs.instanceHasContent(database, { instance, sha256, sizeInBytes: 7 })
  await blobs.listIdleBlobs(database, { graceMs: 0, limit: 10 })
  await blobs.forgetBlob(database, { sha256, name }, 0)
  await blobs.isBlobInForce(database, name)
  await progress.listPartials(database)
  await attempts.releaseLease(database, attempt)
  await attempts.releaseAllLeases(database)
  await deleteUpdate(database, { attempt, id: update.id, childIds: [update.id] })

  const infected = { kind: 'Infected', name: 'EICAR', signatures: 'ClamAV 1' } as const
  for (const verdict of [infected, { kind: 'Clean', signatures: 'ClamAV 2', caveats: [] } as const, notScanned]) {
    await verdicts.recordVerdict(database, sha256, verdict)
  }
  await verdicts.recordScanFailure(database, sha256, notScanned)
  await blobs.listBlobsOf(database, update.id)
  const { sql, params = [] } = verdicts.guardNotInfected(sha256)
  await database.query(sql, params)
  await rescans.wantRescan(database, { instance, audit: { ...call, action: 'rescan', instance } })
  const rescan = await rescans.findRescan(database, instance)
  assert.ok(rescan)
  await rescans.listRescansToDo(database)
  await rescans.listContentsToScan(database, rescan, { after: '', limit: 10 })
  await rescans.countContents(database, rescan, { after: '', limit: 10 })
  await rescans.countContents(database, { ...rescan, endedAt: 1 }, { after: '', limit: 10 })
  await rescans.endRescan(database, rescan)
  await rescans.listInfectedUpdates(database, instance, 10)
  await callDistribution(update.id)
  await callStaging()
  await countOperationsInProgress(database)
  await callEvents(instance)
  await forgetOperations(database, 1e12, 10)
  await audit.forgetAudit(database, 1e12, 10)
  for (const after of [undefined, { id: '5', at: Date.now() }]) {
    for (const about of [{}, { operationId: '5' }, { target: 'Contoso/Toaster/1.0' }]) {
      await audit.listAudit(database, { instance, after, ...about, limit: 10 })
    }
  }
  await findManifestSha256(database, update.id)
  await findManifestBlob(database, update.id)
  await listChildIds(database, update.id)
  await listChildren(database, update.id)
  await countUsage(database, instance, updateId)
  await countStorage(database, { instance, largestMax: 10 })
  for (const isDeployable of [undefined, true]) {
    for (const search of [undefined, CORE.rareWord, `${CORE.rareWord} ${CORE.commonWord}`]) {
      for (const after of [undefined, { providerKey: 'm', nameKey: '', versionOrder: '' }]) {
        for (const bounds of [{}, { termsMax: 0 }, { termsMax: 0, sortedMax: 0 }]) {
          const query = { instance, isDeployable, search, after, limit: 10 }
          await listUpdates(database, query, { ...SEARCH_BOUNDS, ...bounds })
        }
      }
    }
  }
  for (const after of [undefined, { createdAt: Date.now(), operationId: '5' }]) {
    await listOperations(database, { instance, kind: 'import', after, limit: 10 })
    for (const statuses of [['NotStarted', 'Running'], ['Failed']] as const) {
      await listOperations(database, { instance, kind: 'import', statuses, after, limit: 10 })
    }
  }
}

async function callStaging(): Promise<void> {
  const { database } = app
  const owner = { instance: INSTANCES[0]!, subject: 's', issuer: 'i' }
  const entry = { action: 'stage', ...owner, address: '::1', traceId: '0'.repeat(32) } as const
  const upload = { id: 'u', metadata: '', fileName: 'f', sizeInBytes: 2 }
  await staged.recordUpload(database, upload, owner, { keepMs: 0, bytesMax: 2, uploadsMax: 1, audit: entry })
  await staged.stagingUsage(database, owner)
  await staged.findUpload(database, 'u', owner)
  for (const after of [undefined, { createdAt: Date.now(), id: 'v' }]) {
    await staged.listUploads(database, owner, { after, limit: 10 })
  }
  const part = { uploadId: 'u', start: 0, sha256: '0'.repeat(64), sizeInBytes: 1 }
  await parts.notePart(database, part)
  await parts.keepPart(database, part)
  await parts.dropPart(database, part)
  await parts.countParts(database, 'u')
  await parts.listParts(database, { uploadId: 'u', position: 0 })
  const operationId = '00000000-0000-4000-8000-000000000021'
  await database.batch(staged.nameUploads(operationId, ['u'], owner))
  await staged.findUsedUpload(database, { id: 'u', operationId })
  await database.batch(staged.freeUploads(operationId))
  await staged.listExpiredUploads(database, 10)
  assert.ok(await staged.releaseUpload(database, 'u'))
  await staged.forgetReleasedUploads(database, 0, 10)
  await staged.recordUpload(database, upload, owner, { keepMs: 0, bytesMax: 2, uploadsMax: 1, audit: entry })
  assert.ok(await staged.removeUpload(database, 'u', owner, entry))
}

async function callEvents(instance: string): Promise<void> {
  const { database } = app
  await events.countWaitingEvents(database)
  while ((await events.numberEvents(database, 500)) === 500);
  const newest = await events.findNewestEvent(database, instance)
  await events.findEventNumber(database, instance, newest?.id ?? '')
  await events.listEvents(database, { instance, after: 0, limit: 10 })
  await events.forgetEvents(database, 1e12, 10)
  await listRunningOperations(database, instance, 10)

  const webhook = { instance: 'default', name: WEBHOOK }
  const entry = { action: 'set-webhook', instance: 'default', address: '::1', traceId: '0' } as const
  const [sending] = await webhooks.listSendingWebhooks(database)
  assert.ok(sending)
  await deliveries.takeEvents(database, { ...sending, taken: 0 }, 10)
  await webhooks.findWebhook(database, webhook)
  await webhooks.listWebhooks(database, 'default')
  await webhooks.noteTry(database, webhook, undefined)
  await webhooks.noteTry(database, webhook, 'A test.')
  await deliveries.countDeliveries(database, webhook)
  await deliveries.countAllDeliveries(database)
  for (const after of [undefined, { failedAt: 1e15, eventId: '' }]) {
    const [letter] = await deliveries.listDeadLetters(database, webhook, { after, limit: 10 })
    assert.ok(letter)
    await deliveries.retryDeadLetter(database, { ...webhook, eventId: 'x' }, entry)
  }
  const [first, second] = await deliveries.claimDeliveries(database, webhook, { limit: 2, leaseMs: 0 })
  assert.ok(first)
  await deliveries.putOffDelivery(database, first, { reason: 'A test.', pauseMs: 1 })
  await deliveries.putOffDelivery(database, first, { reason: 'A test.', pauseMs: undefined })
  await deliveries.releaseDelivery(database, second ?? first)
  await deliveries.endDelivery(database, second ?? first)
  await webhooks.setWebhook(
    database,
    { ...webhook, name: 'other', url: 'https://h', types: undefined, secret: 's' },
    entry,
  )
  // For the routes.
  await webhooks.setWebhook(database, { ...webhook, instance, url: 'https://h', types: undefined, secret: 's' }, entry)
  await webhooks.deleteWebhook(database, { ...webhook, name: 'other' }, entry)
}

async function callDistribution(updateId: string): Promise<void> {
  const { database } = app
  const store = 'cdn'
  const part = { after: '', limit: 10 }
  const { sql, params = [] } = distribution.wantCopiesOf(updateId, { store: 'other', isThere: true })
  await database.query(sql, params)
  await checks.wantPart(database, store, part)
  const [copy] = await checks.listNotedCopies(database, store, part)
  assert.ok(copy)
  const { contentId } = copy
  const since = await checks.databaseTime(database)
  await database.batch([checks.redoCopy({ store, contentId, state: 'Waiting', since })])
  await checks.isNoted(database, store, copy)
  await checks.noteCheck(database, store, { listed: 1, missing: 1, deleted: 1 })
  await checks.noteCheckFailure(database, store, 'A test.')
  await checks.findCheck(database, store)
  await distribution.listDueCopies(database, store, 10)
  await distribution.noteCopyFailure(database, { store, contentId, reason: 'A test.', pauseMs: 1 })
  await distribution.noteCopied(database, { store, contentId })
  await distribution.noteDropped(database, { store, contentId })
  await copies.listFileCopies(database, updateId)
  const group = { store, instance: INSTANCES[0]!, state: 'Waiting' } as const
  await copies.countCopies(database, group, { after: { since: 0, contentId: '' }, limit: 10 })
  await copies.findOldestCopy(database, group)
}

/** Asks every GET of the API, by its own description. */
async function callRoutes(): Promise<void> {
  const { database } = app
  const instanceId = INSTANCES[0]!
  const { provider, name } = CORE
  const version = '1.0.2'
  const update = await findUpdate(database, instanceId, { provider, name, version })
  const [file] = await database.query('select file_id, content_id, file_name from files where update_id = $1', [
    update!.id,
  ])
  const [operation] = await listOperations(database, { instance: instanceId, kind: 'import', limit: 1 })
  const values: Record<string, string> = {
    instanceId,
    provider,
    name,
    version,
    operationId: operation!.operationId,
    fileId: String(file!.file_id),
    contentId: String(file!.content_id),
    fileName: String(file!.file_name),
    webhook: WEBHOOK,
  }
  for (const [path, item] of Object.entries(app.fastify.swagger().paths ?? {})) {
    if (item === undefined || !('get' in item)) continue
    const address = path.replaceAll(
      /\{(\w+)\}/g,
      (_, named: string) => values[named] ?? assert.fail(`${path}: ${named}`),
    )
    if (path.endsWith('/events')) {
      await beginStream(address)
      continue
    }
    const { status } = await app.ask(address)
    // The bytes of a seeded catalogue are not in the store.
    if (!path.startsWith('/content/') && !path.endsWith('/manifest')) assert.equal(status, 200, address)
  }
}

/** Reads a stream, which may go on for ever, up to its first event. */
async function beginStream(address: string): Promise<void> {
  const leaving = new AbortController()
  const headers = { authorization: 'Bearer DeviceUpdateAdministrator' }
  const { status, body } = await fetch(app.url + address, { headers, signal: leaving.signal })
  assert.equal(status, 200, address)
  let text = ''
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (text.includes('event: ')) break
  }
  leaving.abort()
}
