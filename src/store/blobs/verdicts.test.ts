import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { publishUpdate, sha256Of } from '../../../tests/support/publish-update.ts'
import { simpleManifest } from '../../../tests/support/seed-catalogue.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { hexOfBase64 } from '../../domain/blob.ts'
import { newContentId } from '../../domain/distribution.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import type { Verdict } from '../../domain/verdict.ts'
import { listFiles } from '../updates/files.ts'
import { type NewUpdate, newUpdateId, publishUpdates } from '../updates/publish.ts'
import { findUpdate } from '../updates/updates.ts'
import { findBlob } from './blobs.ts'
import { recordScanFailure, recordVerdict } from './verdicts.ts'

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline()
})
after(() => pipeline?.[Symbol.asyncDispose]())

const CLEAN: Verdict = { kind: 'Clean', signatures: 'Marker 1', caveats: [] }
const INFECTED: Verdict = { kind: 'Infected', signatures: 'Marker 2', name: 'Worm' }
const NOT_SCANNED = { kind: 'NotScanned', reason: 'It is encrypted.', mayRecover: false } as const

/** An update with some contents that no other test has. */
async function bring(count = 1) {
  const texts = Array.from({ length: count }, () => randomUUID())
  const update = await pipeline.import({
    files: texts.map((text) => ({ name: `${text}.bin`, bytes: Buffer.from(text) })),
  })
  return { updateId: update.updateId, contents: texts.map((text) => hexOfBase64(sha256Of(Buffer.from(text)))) }
}

async function standOf(updateId: UpdateId) {
  const update = await findUpdate(pipeline.database, 'default', updateId)
  assert.ok(update)
  const files = (await listFiles(pipeline.database, update.id)) ?? []
  const etags = [update.etag, ...files.map(({ etag }) => etag)]
  return { results: [update.scanResult, ...files.map(({ scanResult }) => scanResult)], etags }
}

test('an update has the worst verdict of its files, and new ETags stand where something else is answered', async () => {
  const { database } = pipeline
  const { updateId, contents } = await bring(2)
  const [one = '', two = ''] = contents
  const steps: [string, Verdict, results: string[], changed: boolean[]][] = [
    [one, CLEAN, ['NotScanned', 'Success', 'NotScanned'], [false, true, false]],
    [two, CLEAN, ['Success', 'Success', 'Success'], [true, false, true]],
    [two, CLEAN, ['Success', 'Success', 'Success'], [false, false, false]],
    [two, { ...CLEAN, signatures: 'Marker 2' }, ['Success', 'Success', 'Success'], [false, false, true]],
    [two, INFECTED, ['Infected', 'Success', 'Infected'], [true, false, true]],
    [one, INFECTED, ['Infected', 'Infected', 'Infected'], [false, true, false]],
    [two, CLEAN, ['Infected', 'Infected', 'Success'], [false, false, true]],
    [one, CLEAN, ['Success', 'Success', 'Success'], [true, true, false]],
  ]
  for (const [index, [sha256, verdict, results, changed]] of steps.entries()) {
    const before = await standOf(updateId)
    const { scannedAt: scannedBefore } = (await findBlob(database, sha256)) ?? {}
    await recordVerdict(database, sha256, verdict, { scannedBefore })
    const now = await standOf(updateId)
    assert.deepEqual(now.results, results, `step ${index}`)
    const differ = now.etags.map((etag, position) => etag !== before.etags[position])
    assert.deepEqual(differ, changed, `step ${index}`)
  }
})

test('NotScanned never replaces what a scanner has said, whether it came of an import or of a rescan', async () => {
  const { database } = pipeline
  for (const verdict of [CLEAN, INFECTED]) {
    const { updateId, contents } = await bring()
    const [sha256 = ''] = contents
    await recordVerdict(database, sha256, verdict)
    const before = await standOf(updateId)
    await recordVerdict(database, sha256, NOT_SCANNED)
    await recordScanFailure(database, sha256, NOT_SCANNED)
    assert.deepEqual(await standOf(updateId), before)
    assert.deepEqual((await findBlob(database, sha256))?.verdict, verdict)
  }
})

test('a clean verdict lifts an infection only if nobody scanned since its scan began', async () => {
  const { database } = pipeline
  const { updateId, contents } = await bring()
  const [sha256 = ''] = contents
  const { scannedAt: scannedBefore } = (await findBlob(database, sha256)) ?? {}
  await recordVerdict(database, sha256, INFECTED)
  for (const stale of [{ scannedBefore }, {}]) {
    await recordVerdict(database, sha256, CLEAN, stale)
    assert.deepEqual((await standOf(updateId)).results, ['Infected', 'Infected'])
  }
})

test('of updates that are published together none is, if one has a content that is infected by now', async () => {
  const { database } = pipeline
  const { contents } = await bring(2)
  const [clean = '', infected = ''] = contents
  await recordVerdict(database, infected, INFECTED)
  const attempt = await pipeline.begin([publishUpdate(pipeline.source)])
  const updates = [clean, infected].map((sha256, index): NewUpdate => {
    const updateId = { provider: 'Contoso', name: 'Raced', version: `1.${index}` }
    return {
      id: newUpdateId(),
      manifest: simpleManifest(updateId),
      manifestSha256: clean,
      contents: new Map([['install.sh', { contentId: newContentId(), sha256, scanResult: 'Success' }]]),
    }
  })
  const publish = () => publishUpdates(database, { attempt, instance: 'default', updates, childIds: new Map() })
  assert.equal(await publish(), 'infected')
  for (const { manifest } of updates) {
    assert.equal(await findUpdate(database, 'default', manifest.updateId), undefined)
  }
  const { scannedAt: scannedBefore } = (await findBlob(database, infected)) ?? {}
  await recordVerdict(database, infected, CLEAN, { scannedBefore })
  assert.equal(await publish(), undefined)
})
