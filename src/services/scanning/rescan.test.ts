import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMarkerScanner, type MarkerScanner } from '../../../tests/support/marker-scanner.ts'
import { type PublishedUpdate, publishUpdate, sha256Of } from '../../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { hexOfBase64 } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import { findBlob } from '../../store/blobs/blobs.ts'
import { recordVerdict } from '../../store/blobs/verdicts.ts'
import { listProgress } from '../../store/operations/progress.ts'
import { listFiles } from '../../store/updates/files.ts'
import { findUpdate } from '../../store/updates/updates.ts'
import { acceptRescan } from './accept-rescan.ts'
import { rescan } from './rescan.ts'
import { rescanProgress } from './rescan-progress.ts'

const CALLER = { subject: 'tester', issuer: 'urn:tests', address: '127.0.0.1', traceId: '0'.repeat(32) }
const AUDIT = { async recorded() {}, async refused() {} }
const LOG = { info() {}, warn() {} }
const forever = () => new AbortController().signal

interface Scanned extends Pipeline {
  scanner: MarkerScanner
  /** Imports an update with one file for each text, with the scanner. */
  bring(texts: string[], instance?: string): Promise<PublishedUpdate>
  ask(options?: { everything?: boolean; instance?: string }): Promise<void>
  rescan(signal?: AbortSignal): Promise<void>
  resultOf(update: PublishedUpdate): Promise<string | undefined>
}

async function startScanned(): Promise<Scanned> {
  const pipeline = await startPipeline()
  const { database, blobs } = pipeline
  const scanner = createMarkerScanner()
  return Object.assign(pipeline, {
    scanner,
    async bring(texts: string[], instance?: string) {
      const files = texts.map((text, index) => ({ name: `${index}.bin`, bytes: Buffer.from(text) }))
      const update = publishUpdate(pipeline.source, { files })
      await pipeline.run(await pipeline.begin([update], instance), { scan: { scanner, mode: 'required' } })
      return update
    },
    ask({ everything = false, instance = 'default' } = {}) {
      return acceptRescan({ database, audit: AUDIT, scanner }, { instance, everything, caller: CALLER })
    },
    rescan: (signal = forever()) => rescan({ database, blobs, scanner, log: LOG, pausesMs: [1, 1] }, signal),
    async resultOf({ updateId }: PublishedUpdate) {
      return (await findUpdate(database, 'default', updateId))?.scanResult
    },
  })
}

const hexOf = (text: string) => hexOfBase64(sha256Of(Buffer.from(text)))

async function progressOf({ database, scanner }: Scanned, instance = 'default') {
  const progress = await rescanProgress({ database, scanner }, instance)
  assert.ok(progress)
  const { total, remaining, infected, notScanned } = progress
  return { ...progress, counts: [total, remaining, infected, notScanned], hasEnded: progress.endedAt !== undefined }
}

test('what newer signatures know is marked in every update that has it, and no more once they know better', async () => {
  await using scanned = await startScanned()
  const one = await scanned.bring(['shared', 'harmless'])
  const two = await scanned.bring(['shared'])
  const other = await scanned.bring(['harmless'])
  const before = await findUpdate(scanned.database, 'default', one.updateId)

  Object.assign(scanned.scanner, { version: 'Marker 2', markers: ['shared'] })
  await scanned.ask()
  assert.deepEqual((await progressOf(scanned)).counts, [2, 2, 0, 0])
  await scanned.rescan()
  const { counts, hasEnded, infectedUpdates } = await progressOf(scanned)
  assert.deepEqual([counts, hasEnded], [[2, 0, 1, 0], true])
  assert.deepEqual(
    infectedUpdates.map(({ version }) => version).sort(),
    [one, two].map((u) => u.updateId.version).sort(),
  )
  assert.deepEqual(await Promise.all([one, two, other].map(scanned.resultOf)), ['Infected', 'Infected', 'Success'])

  const marked = await findUpdate(scanned.database, 'default', one.updateId)
  assert.notEqual(marked?.etag, before?.etag)
  const files = (await listFiles(scanned.database, marked?.id ?? '')) ?? []
  assert.deepEqual(
    files.map(({ scanResult, scanDetails }) => [scanResult, scanDetails]),
    [
      ['Infected', 'Marker 2 found shared.'],
      ['Success', 'Marker 2 found nothing.'],
    ],
  )

  Object.assign(scanned.scanner, { version: 'Marker 3', markers: [] })
  await scanned.ask()
  await scanned.rescan()
  assert.deepEqual(await Promise.all([one, two, other].map(scanned.resultOf)), ['Success', 'Success', 'Success'])
  const restored = await findUpdate(scanned.database, 'default', one.updateId)
  assert.notEqual(restored?.etag, marked?.etag)
  assert.deepEqual((await progressOf(scanned)).counts, [2, 0, 0, 0])
})

test('what was scanned with the signatures in force is scanned again only if everything is asked for', async () => {
  await using scanned = await startScanned()
  await scanned.bring(['old'])
  scanned.scanner.version = 'Marker 2'
  await scanned.bring(['new'])
  scanned.scanner.scanned = []
  await scanned.ask()
  await scanned.rescan()
  assert.deepEqual(scanned.scanner.scanned, [hexOf('old')])
  await scanned.ask({ everything: true })
  assert.deepEqual((await progressOf(scanned)).counts, [2, 2, 0, 0])
  await scanned.rescan()
  assert.deepEqual(scanned.scanner.scanned.slice(1).sort(), [hexOf('old'), hexOf('new')].sort())
})

test('what was imported without a scanner gets its verdict', async () => {
  await using scanned = await startScanned()
  const update = await scanned.import({ files: [{ name: 'a.bin', bytes: Buffer.from('never scanned') }] })
  assert.equal(await scanned.resultOf(update), 'NotScanned')
  await scanned.ask()
  await scanned.rescan()
  assert.equal(await scanned.resultOf(update), 'Success')
})

test('the contents of other instances are left alone', async () => {
  await using scanned = await startScanned()
  await scanned.bring(['mine'])
  await scanned.bring(['theirs'], 'other')
  scanned.scanner.scanned = []
  await scanned.ask({ everything: true })
  await scanned.rescan()
  assert.deepEqual(scanned.scanner.scanned, [hexOf('mine')])
  assert.equal(await rescanProgress(scanned, 'other'), undefined)
})

test('a round that is stopped in the middle is taken up where it was', async () => {
  await using scanned = await startScanned()
  const texts = Array.from({ length: 6 }, (_, index) => `content ${index}`)
  await scanned.bring(texts)
  await scanned.ask({ everything: true })
  scanned.scanner.scanned = []
  const stop = new AbortController()
  scanned.scanner.meanwhile = async () => {
    if (scanned.scanner.scanned.length === 3) stop.abort()
  }
  await scanned.rescan(stop.signal)
  const first = scanned.scanner.scanned.length
  const { counts, hasEnded } = await progressOf(scanned)
  assert.equal(hasEnded, false)
  const remaining = counts[1] ?? 0
  assert.ok(remaining > 0 && remaining < 6, String(remaining))

  scanned.scanner.meanwhile = async () => {}
  await scanned.rescan()
  assert.equal(scanned.scanner.scanned.length - first, remaining)
  assert.equal(new Set(scanned.scanner.scanned).size, 6)
  assert.equal((await progressOf(scanned)).hasEnded, true)
})

test('while the scanner is away nothing is given up, and the last verdict holds', async () => {
  await using scanned = await startScanned()
  const update = await scanned.bring(['patient'])
  await scanned.ask({ everything: true })
  scanned.scanner.isAway = true
  const running = scanned.rescan()
  await new Promise((resolve) => setTimeout(resolve, 300))
  const { counts, problems, hasEnded } = await progressOf(scanned)
  assert.deepEqual([counts, problems, hasEnded], [[1, 1, 0, 0], ['The scanner is away.'], false])
  assert.equal(await scanned.resultOf(update), 'Success')
  scanned.scanner.isAway = false
  await running
  assert.deepEqual((await progressOf(scanned)).counts, [1, 0, 0, 0])
})

test('what cannot be scanned is tried a few times, then counted; its last verdict stays in force', async () => {
  await using scanned = await startScanned()
  const update = await scanned.bring(['stubborn', 'easy'])
  const before = await findUpdate(scanned.database, 'default', update.updateId)
  const notScanned = { kind: 'NotScanned', reason: 'Out of memory.', mayRecover: true } as const
  scanned.scanner.failure = { text: 'stubborn', notScanned }
  scanned.scanner.scanned = []
  await scanned.ask({ everything: true })
  await scanned.rescan()
  assert.equal(scanned.scanner.scanned.filter((sha256) => sha256 === hexOf('stubborn')).length, 3)
  const { counts, hasEnded } = await progressOf(scanned)
  assert.deepEqual([counts, hasEnded], [[2, 0, 0, 1], true])
  assert.deepEqual(await findUpdate(scanned.database, 'default', update.updateId), before)

  // A limit does not move by waiting.
  scanned.scanner.failure.notScanned = { ...notScanned, mayRecover: false }
  scanned.scanner.scanned = []
  await scanned.ask({ everything: true })
  await scanned.rescan()
  assert.equal(scanned.scanner.scanned.filter((sha256) => sha256 === hexOf('stubborn')).length, 1)

  scanned.scanner.failure = undefined
  await scanned.ask({ everything: true })
  await scanned.rescan()
  assert.deepEqual((await progressOf(scanned)).counts, [2, 0, 0, 0])
})

test('what has no verdict, and cannot get one, says why', async () => {
  await using scanned = await startScanned()
  const update = await scanned.import({ files: [{ name: 'a.bin', bytes: Buffer.from('encrypted') }] })
  const notScanned = { kind: 'NotScanned', reason: 'It is encrypted.', mayRecover: false } as const
  scanned.scanner.failure = { text: 'encrypted', notScanned }
  await scanned.ask()
  await scanned.rescan()
  const { id = '' } = (await findUpdate(scanned.database, 'default', update.updateId)) ?? {}
  const [file] = (await listFiles(scanned.database, id)) ?? []
  assert.deepEqual([file?.scanResult, file?.scanDetails], ['NotScanned', 'It is encrypted.'])
  assert.deepEqual((await progressOf(scanned)).counts, [1, 0, 0, 1])
})

test('bytes that are missing are counted, and hold nobody up', async () => {
  await using scanned = await startScanned()
  const update = await scanned.bring(['lost', 'kept'])
  const blob = await findBlob(scanned.database, hexOf('lost'))
  assert.ok(blob)
  await scanned.blobs.delete(blob.name)
  scanned.scanner.scanned = []
  await scanned.ask({ everything: true })
  await scanned.rescan()
  const { counts, hasEnded } = await progressOf(scanned)
  assert.deepEqual([counts, hasEnded], [[2, 0, 0, 1], true])
  assert.deepEqual(scanned.scanner.scanned, [hexOf('kept')])
  assert.equal(await scanned.resultOf(update), 'Success')
})

test('a rescan that is asked for again while it goes on begins anew, and spares nothing if it did so', async () => {
  await using scanned = await startScanned()
  await scanned.bring(['one', 'two', 'three'])
  await scanned.ask({ everything: true })
  scanned.scanner.scanned = []
  let isDue = true
  scanned.scanner.meanwhile = async () => {
    if (scanned.scanner.scanned.length < 2 || !isDue) return
    isDue = false
    await scanned.ask()
  }
  await scanned.rescan()
  assert.equal((await progressOf(scanned)).hasEnded, false)
  await scanned.rescan()
  assert.deepEqual((await progressOf(scanned)).counts, [3, 0, 0, 0])
  assert.equal((await progressOf(scanned)).hasEnded, true)
  assert.ok(scanned.scanner.scanned.length >= 5, String(scanned.scanner.scanned.length))
})

test('a clean verdict does not undo malware that somebody found while the scan ran', async () => {
  await using scanned = await startScanned()
  const update = await scanned.bring(['raced'])
  await scanned.ask({ everything: true })
  scanned.scanner.meanwhile = () =>
    recordVerdict(scanned.database, hexOf('raced'), { kind: 'Infected', name: 'Worm', signatures: 'Marker 9' })
  await scanned.rescan()
  assert.equal(await scanned.resultOf(update), 'Infected')
  assert.equal((await progressOf(scanned)).hasEnded, true)
})

test('malware that is found between the scan of an import and its end is not published', async () => {
  await using scanned = await startScanned()
  const { database, scanner } = scanned
  const update = publishUpdate(scanned.source, { files: [{ name: 'raced.bin', bytes: Buffer.from('raced') }] })
  const operation = await scanned.begin([update])
  const racing: Pipeline['database'] = {
    ...database,
    async batch(statements) {
      if (statements.some(({ sql }) => sql.startsWith('insert into updates'))) {
        await recordVerdict(database, hexOf('raced'), { kind: 'Infected', name: 'Worm', signatures: 'Marker 9' })
      }
      return database.batch(statements)
    },
  }
  await assert.rejects(
    scanned.run(operation, { database: racing, scan: { scanner, mode: 'required' } }),
    (error: unknown) => {
      assert.ok(error instanceof AppError)
      assert.deepEqual(
        [error.code, error.target, error.inner?.code],
        ['CannotProcessUpdateFile', 'raced.bin', 'SourceFileMalwareDetected'],
      )
      assert.match(error.inner?.message ?? '', /raced\.bin.*Worm/)
      return true
    },
  )
  assert.equal(await findUpdate(database, 'default', update.updateId), undefined)
})

test('known malware is not published where nothing is scanned, or nothing can be', async () => {
  await using scanned = await startScanned()
  const { database, scanner } = scanned
  const bytes = Buffer.from('known')
  await scanned.bring(['known'])
  await recordVerdict(database, hexOf('known'), { kind: 'Infected', name: 'Worm', signatures: 'Marker 9' })
  const again = { files: [{ name: 'known.bin', bytes }] }
  const isMalware = (error: unknown) => error instanceof AppError && error.inner?.code === 'SourceFileMalwareDetected'
  await assert.rejects(scanned.import(again, 'other'), isMalware)
  scanner.isAway = true
  const operation = await scanned.begin([publishUpdate(scanned.source, again)])
  const scan = { scanner, mode: 'best-effort', pausesMs: [] } as const
  await assert.rejects(scanned.run(operation, { scan }), isMalware)
})

test('a file that the store has, but newer signatures find, is refused and not told as done', async () => {
  await using scanned = await startScanned()
  await scanned.bring(['turned'])
  Object.assign(scanned.scanner, { version: 'Marker 2', markers: ['turned'] })
  const again = publishUpdate(scanned.source, { files: [{ name: 'turned.bin', bytes: Buffer.from('turned') }] })
  const operation = await scanned.begin([again])
  const running = scanned.run(operation, { scan: { scanner: scanned.scanner, mode: 'required' } })
  await assert.rejects(running, { code: 'CannotProcessUpdateFile' })
  const [file] = await listProgress(scanned.database, operation.operationId)
  assert.equal(file?.phase, 'Waiting')
})

test('without a scanner, or while it is away, nothing can be asked for', async () => {
  await using scanned = await startScanned()
  const { database, scanner } = scanned
  await assert.rejects(
    acceptRescan(
      { database, audit: AUDIT, scanner: undefined },
      { instance: 'default', everything: true, caller: CALLER },
    ),
    { code: 'ScannerNotConfigured' },
  )
  scanner.isAway = true
  await assert.rejects(scanned.ask(), { code: 'Unavailable', message: /The malware scanner is away/ })
  assert.equal(await rescanProgress({ database, scanner }, 'default'), undefined)
})

test('who asked for what is in the audit log', async () => {
  await using scanned = await startScanned()
  const entries: object[] = []
  const { database, scanner } = scanned
  const audit = { ...AUDIT, recorded: async (entry: object) => void entries.push(entry) }
  await acceptRescan({ database, audit, scanner }, { instance: 'default', everything: false, caller: CALLER })
  const expected = { action: 'rescan', instance: 'default', ...CALLER, target: 'not yet scanned with Marker 1' }
  assert.deepEqual(entries, [expected])
  const [row] = await database.query('select action, subject, target from audit')
  assert.deepEqual({ ...row }, { action: 'rescan', subject: 'tester', target: expected.target })
})
