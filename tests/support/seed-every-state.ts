import assert from 'node:assert/strict'
import { newBlobName } from '../../src/domain/blob.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { Attempt, OperationRequest } from '../../src/domain/operation.ts'
import { asOperationError } from '../../src/domain/operation.ts'
import { newWebhookSecret } from '../../src/domain/webhook.ts'
import type { Database } from '../../src/ports/database.ts'
import { recordBlob } from '../../src/store/blobs/blobs.ts'
import { noteTry, setWebhook } from '../../src/store/events/webhooks.ts'
import { claimOperation, endStatements, guardAttempt } from '../../src/store/operations/attempts.ts'
import { noteItems } from '../../src/store/operations/operation-items.ts'
import { noteWarnings } from '../../src/store/operations/operations.ts'
import { noteFiles, noteProgress } from '../../src/store/operations/progress.ts'
import { recordOperation } from '../../src/store/operations/record-operation.ts'
import { keepPart, notePart } from '../../src/store/staging/staged-parts.ts'
import { nameUploads, recordUpload } from '../../src/store/staging/staged-uploads.ts'
import { deleteUpdate } from '../../src/store/updates/delete-update.ts'
import { findUpdate } from '../../src/store/updates/updates.ts'
import { changed, type Json, validManifest } from './import-manifests.ts'
import { manifestOf, seedUpdates, simpleManifest } from './seed-catalogue.ts'

/** One operation in each state, in the order in which they begin. The ids ascend, since those of one millisecond are listed by id. */
export const OPERATIONS = {
  checkSucceeded: '00000000-0000-4000-8000-000000000008',
  checkFailed: '00000000-0000-4000-8000-000000000009',
  succeeded: '00000000-0000-4000-8000-000000000010',
  succeededParentAndChild: '00000000-0000-4000-8000-000000000011',
  succeededMany: '00000000-0000-4000-8000-000000000012',
  succeededThenDeleted: '00000000-0000-4000-8000-000000000013',
  deleteSucceeded: '00000000-0000-4000-8000-000000000014',
  deleteFailed: '00000000-0000-4000-8000-000000000015',
  failedManifestNotRead: '00000000-0000-4000-8000-000000000016',
  failedManifestWrong: '00000000-0000-4000-8000-000000000017',
  failedFile: '00000000-0000-4000-8000-000000000018',
  runningManifestNotRead: '00000000-0000-4000-8000-000000000019',
  running: '00000000-0000-4000-8000-000000000020',
  notStarted: '00000000-0000-4000-8000-000000000021',
  deleteNotStarted: '00000000-0000-4000-8000-000000000022',
}

/** Imported with the manifest version of the same number: 2.0 to 5.0. The last has a related file and a friendly name. */
export const toaster = (version: string) => ({ provider: 'Contoso', name: 'Toaster', version })
/** References the sensor. */
export const COMPONENTS = { provider: 'Contoso', name: 'Components', version: '1.0' }
/** Not deployable. */
export const SENSOR = { provider: 'Contoso', name: 'Sensor', version: '1.0' }

/** What the administrator of the API in memory has uploaded: one has half of its bytes, the other one all, and an operation names it. */
export const STAGED = {
  half: '0123456789abcdef0123456789abcdef',
  whole: 'fedcba9876543210fedcba9876543210',
}
const STAGING_OWNER = { instance: 'default', subject: 'tester', issuer: 'urn:tests' }
/** A webhook of the instance `default`. */
export const WEBHOOK = 'seeded'

const AN_HOUR_MS = 3_600_000

/**
 * Fills an empty database with an update of every kind and an operation in every state, in the instance `default`, and with 101
 * versions of one name, which is one more than a page has, in another instance.
 */
export async function seedEveryState(
  database: Database,
  { traceId, instanceWithMany }: { traceId: string; instanceWithMany: string },
): Promise<void> {
  const anImport: OperationRequest = { kind: 'import', inputs: [] }

  async function record(operationId: string, request = anImport): Promise<void> {
    await recordOperation(database, { operationId, instance: 'default', request, requestedBy: 'seed', traceId })
  }
  async function begin(operationId: string, request = anImport): Promise<Attempt> {
    await record(operationId, request)
    const attempt = await claimOperation(database, AN_HOUR_MS)
    assert.equal(attempt?.operationId, operationId)
    return attempt
  }
  function fail(attempt: Attempt, error: AppError): Promise<void> {
    const occurred = asOperationError(error, '2026-01-02T03:04:05.678Z')
    return database.batch(endStatements(attempt, { status: 'Failed', error: occurred }))
  }

  const aCheck: OperationRequest = { kind: 'check', inputs: [], isDeep: false }
  const passed = await begin(OPERATIONS.checkSucceeded, aCheck)
  await database.batch([guardAttempt(passed), ...noteItems(passed, [{ updateId: toaster('8.0') }], 0)])
  await noteWarnings(database, passed, [asOperationError(advice())])
  await database.batch(endStatements(passed, { status: 'Succeeded' }))
  const refused = await begin(OPERATIONS.checkFailed, aCheck)
  await database.batch([guardAttempt(refused), ...noteItems(refused, [{ updateId: toaster('9.0') }], 0)])
  await database.batch([
    guardAttempt(refused),
    ...noteFiles(refused, [{ item: 1, ordinal: 0, fileName: 'toaster.swu', sizeInBytes: 7 }]),
  ])
  await noteWarnings(database, refused, [])
  await fail(refused, wouldFail())

  await seedUpdates(database, toasters(), { operationId: OPERATIONS.succeeded, traceId })
  await seedUpdates(database, parentAndChild(), { operationId: OPERATIONS.succeededParentAndChild, traceId })
  const many = Array.from({ length: 101 }, (_, i) => ({ manifest: simpleManifest({ version: `1.${i}` }) }))
  await seedUpdates(database, many, { operationId: OPERATIONS.succeededMany, traceId, instance: instanceWithMany })

  const goneId = { provider: 'Contoso', name: 'Gone', version: '1.0' }
  await seedUpdates(database, [{ manifest: simpleManifest(goneId) }], {
    operationId: OPERATIONS.succeededThenDeleted,
    traceId,
  })
  const { id = '' } = (await findUpdate(database, 'default', goneId)) ?? {}
  const deletion = await begin(OPERATIONS.deleteSucceeded, { kind: 'delete', updateId: goneId })
  assert.equal(await deleteUpdate(database, { attempt: deletion, id, childIds: [] }), undefined)

  await fail(await begin(OPERATIONS.deleteFailed, { kind: 'delete', updateId: SENSOR }), inUse())
  await fail(await begin(OPERATIONS.failedManifestNotRead), manifestNotRead())
  await fail(await begin(OPERATIONS.failedManifestWrong), manifestWrong())
  const failing = await begin(OPERATIONS.failedFile)
  await database.batch([guardAttempt(failing), ...noteItems(failing, [{ updateId: toaster('6.0') }], 0)])
  await fail(failing, fileWrong())

  await begin(OPERATIONS.runningManifestNotRead)
  const running = await begin(OPERATIONS.running)
  const info = { updateId: toaster('7.0'), description: 'A toaster', friendlyName: 'Toaster of 2026' }
  await database.batch([guardAttempt(running), ...noteItems(running, [info], 0)])
  const position = { item: 0, ordinal: 0 }
  await database.batch([
    guardAttempt(running),
    ...noteFiles(running, [{ ...position, fileName: 'toaster.swu', sizeInBytes: 1_048_576 }]),
  ])
  await noteProgress(database, running, position, { bytesDone: 524_288, phase: 'Downloading' })

  await record(OPERATIONS.notStarted)
  await record(OPERATIONS.deleteNotStarted, { kind: 'delete', updateId: toaster('2.0') })

  await stageHalf(database, { id: STAGED.half, fileName: 'toaster.swu', sizeInBytes: 1_048_576 }, traceId)
  await stageHalf(database, { id: STAGED.whole, fileName: 'importmanifest.json', sizeInBytes: 524_288 }, traceId)
  await database.batch(nameUploads(OPERATIONS.running, [STAGED.whole], STAGING_OWNER))
  await seedWebhook(database, traceId)
}

/** Makes an upload, and keeps half a MiB of it. The store does not have it. */
async function stageHalf(
  database: Database,
  upload: { id: string; fileName: string; sizeInBytes: number },
  traceId: string,
): Promise<void> {
  const audit = { action: 'stage', ...STAGING_OWNER, address: '127.0.0.1', traceId, target: upload.id } as const
  const limits = { keepMs: 24 * AN_HOUR_MS, bytesMax: Number.MAX_SAFE_INTEGER, uploadsMax: 100 }
  await recordUpload(database, { ...upload, metadata: '' }, STAGING_OWNER, { ...limits, audit })
  const part = { uploadId: upload.id, start: 0, sha256: upload.id.repeat(2), sizeInBytes: 524_288 }
  assert.ok(await notePart(database, part))
  await recordBlob(database, { ...part, name: newBlobName(part.sha256) })
  assert.ok(await keepPart(database, part))
}

/** A webhook with an event that waits for it, and one that was given up. */
async function seedWebhook(database: Database, traceId: string): Promise<void> {
  const name = { instance: 'default', name: WEBHOOK }
  await setWebhook(
    database,
    { ...name, url: 'https://hooks.contoso.com/aduana', types: ['aduana.update.imported'], secret: newWebhookSecret() },
    { action: 'set-webhook', instance: 'default', address: '::1', traceId, target: WEBHOOK },
  )
  const events = await database.query(
    `select id from events where instance = 'default' and type = 'aduana.update.imported' and version in ('2.0', '3.0') order by version`,
  )
  await database.batch(
    events.map(({ id = '' }, index) => ({
      sql: `insert into webhook_deliveries (instance, name, event_id, due_at, tries, failed_at, reason)
            values ('default', $1, $2, $3, 9, $4, 'hooks.contoso.com answered with status 503 instead of 2xx.')`,
      params: [WEBHOOK, id, index === 0 ? null : Date.now(), Date.now()],
    })),
  )
  await noteTry(database, name, 'hooks.contoso.com answered with status 503 instead of 2xx.')
}

function toasters() {
  const withoutReference = { '/instructions/steps': (validManifest('5.0') as Steps).instructions.steps.slice(0, 1) }
  return [
    {
      manifest: manifestOf(changed(validManifest('5.0'), { ...withoutReference, '/updateId/version': '5.0' })),
      friendlyName: 'Toaster of 2022',
    },
    { manifest: manifestOf(changed(validManifest('4.0'), { ...withoutReference, '/updateId/version': '4.0' })) },
    { manifest: manifestOf(changed(validManifest('3.0'), { '/bundledUpdates': [], '/updateId/version': '3.0' })) },
    { manifest: manifestOf(changed(validManifest('2.0'), { '/updateId/version': '2.0' })) },
  ]
}

interface Steps {
  [name: string]: Json
  instructions: { steps: Json[] }
}

function parentAndChild() {
  return [
    { manifest: manifestOf(changed(validManifest('5.0'), { '/updateId': COMPONENTS })) },
    { manifest: simpleManifest({ ...SENSOR, isDeployable: false }) },
  ]
}

function advice(): AppError {
  const message = 'No step uses "readme.txt", so devices will not get it. Name it in a step, or remove it.'
  return new AppError('Advice', message, { item: 0, target: '/files/1' })
}

/** Of two inputs, the first breaks a rule and the second has a file that cannot be had. */
function wouldFail(): AppError {
  const missing = new AppError('MemberMissing', 'The manifest lacks "compatibility". Add it.', {
    item: 0,
    target: '/0',
  })
  const message = 'https://contoso.blob.core.windows.net/updates/toaster.swu answered 403 (Forbidden) instead of 200.'
  const errorDetail =
    'Response status code does not indicate success: 403 (Forbidden). x-ms-error-code: AuthorizationPermissionMismatch.'
  const status = new AppError('SourceStatus', message, { errorDetail })
  const forbidden = { item: 1, target: 'toaster.swu', inner: status }
  return new AppError('ImportWouldFail', `An import would fail: ${missing.message} (and 1 more, see details)`, {
    details: [missing, new AppError('SourceStatus', `"toaster.swu": ${message}`, forbidden)],
  })
}

function inUse(): AppError {
  return new AppError(
    'UpdateInUse',
    'The update Contoso/Sensor/1.0 is referenced by Contoso/Components/1.0. Delete those first.',
    { target: 'Contoso/Sensor/1.0' },
  )
}

function manifestNotRead(): AppError {
  const errorDetail = 'HTTP/1.1 403 Forbidden'
  const url = 'https://contoso.blob.core.windows.net/updates/importmanifest.json'
  const status = new AppError('SourceStatus', `${url} answered 403 (Forbidden) instead of 200.`, { errorDetail })
  const download = new AppError('CannotDownload', status.message, { inner: status, errorDetail })
  return new AppError('CannotProcessImportManifest', 'Error processing import manifest.', { inner: download })
}

function manifestWrong(): AppError {
  return new AppError('CannotProcessImportManifest', 'Error processing import manifest.', {
    inner: new AppError('CannotParse', 'The import manifest breaks 2 rules of its schema.'),
    details: [
      new AppError('MemberMissing', 'The manifest has no "compatibility".', { target: '/compatibility' }),
      new AppError('FormatWrong', 'The handler must be like "microsoft/apt:1".', {
        target: '/instructions/steps/0/handler',
      }),
    ],
  })
}

function fileWrong(): AppError {
  const other = new AppError('HashMismatch', 'toaster.swu has another SHA-256 than the manifest says.')
  return new AppError('CannotProcessUpdateFile', 'Error processing source file.', {
    target: 'toaster.swu',
    inner: new AppError('ContentFileCannotDownload', other.message, { inner: other }),
  })
}
