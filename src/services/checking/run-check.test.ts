import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, type Json } from '../../../tests/support/import-manifests.ts'
import { createMarkerScanner, type MarkerScanner } from '../../../tests/support/marker-scanner.ts'
import {
  answerStatus,
  type Behaviour,
  claimLength,
  closeEarly,
  sendMore,
  serveBytes,
  serveOtherBytes,
} from '../../../tests/support/misbehaving-source.ts'
import { asImportInput, type PublishedUpdate, publishUpdate } from '../../../tests/support/publish-update.ts'
import { type Pipeline, startPipeline } from '../../../tests/support/start-pipeline.ts'
import { AppError } from '../../domain/errors.ts'
import type { ClaimedOperation, OperationError } from '../../domain/operation.ts'
import { BatchConflict } from '../../ports/database.ts'
import type { OpenSource } from '../../ports/source.ts'
import { releaseLease } from '../../store/operations/attempts.ts'
import { findOperation } from '../../store/operations/operations.ts'
import { listProgress } from '../../store/operations/progress.ts'
import { isDatabaseFailure } from '../operations/attempt-end.ts'
import type { ScanPolicy } from '../scanning/scan-policy.ts'
import { type CheckContext, runCheck } from './run-check.ts'

const BYTES = Buffer.from('the bytes of a payload')
const MALWARE = Buffer.from('this file is wicked')

let pipeline: Pipeline
let scanner: MarkerScanner
before(async () => {
  pipeline = await startPipeline({ inFolder: true })
  scanner = createMarkerScanner()
  scanner.markers = ['wicked']
})
after(() => pipeline?.[Symbol.asyncDispose]())

interface Checked {
  /** `ITEM CODE TARGET` of everything that speaks against the import. */
  found: string[]
  warnings: OperationError[]
}

/** Where else than in the pipeline of all tests. */
interface On {
  on?: Pipeline
}

async function begin(
  updates: readonly PublishedUpdate[],
  { on = pipeline, isDeep = true }: On & { isDeep?: boolean } = {},
): Promise<ClaimedOperation> {
  const inputs = updates.map(({ input }) => asImportInput(input))
  await on.record({ kind: 'check', inputs, isDeep })
  return on.claim()
}

async function run(operation: ClaimedOperation, { on = pipeline, ...context }: On & Partial<CheckContext> = {}) {
  const { database, blobs, openSource } = on
  if (operation.request.kind !== 'check') throw new Error('This is no check.')
  await runCheck(operation, operation.request, {
    database,
    blobs,
    openSource,
    retry: { triesMax: 1, pauseMs: 0 },
    limits: {},
    scan: { mode: 'required' },
    signal: new AbortController().signal,
    ...context,
  })
}

async function check(
  updates: readonly PublishedUpdate[],
  { isDeep = true, on = pipeline, ...context }: On & Partial<CheckContext> & { isDeep?: boolean } = {},
): Promise<Checked> {
  const operation = await begin(updates, { on, isDeep })
  const refusal = await run(operation, { on, ...context }).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof AppError && error.code === 'ImportWouldFail', String(error))
      return error
    },
  )
  const kept = await findOperation(on.database, 'default', operation.operationId)
  assert.equal(kept?.status, refusal === undefined ? 'Succeeded' : 'Running', 'a worker ends what fails')
  const found = (refusal?.details ?? []).map(({ item, code, target }) => [item, code, target].join(' ').trim())
  return { found, warnings: kept.warnings }
}

describe('malware', () => {
  const infected = () => publishUpdate(pipeline.source, { files: [{ name: 'evil.swu', bytes: MALWARE }] })
  const scan: ScanPolicy = {
    get scanner() {
      return scanner
    },
    mode: 'required',
    pausesMs: [],
  }

  test('is found where the check is deep, and nothing is kept of it', async () => {
    const update = infected()
    assert.deepEqual(await check([update], { scan }), { found: ['0 SourceFileMalwareDetected evil.swu'], warnings: [] })
    assert.deepEqual((await check([update], { scan, isDeep: false })).found, [])
    assert.deepEqual(await readdir(pipeline.folder, { recursive: true }), ['partial', 'v1'])
    assert.deepEqual(await pipeline.database.query('select * from blobs'), [], 'no verdict is kept either')
  })

  test('is found by newer signatures in what the instance has, without asking the source', async () => {
    await using other = await startPipeline()
    const update = publishUpdate(other.source, { files: [{ name: 'late.bin', bytes: Buffer.from('wicked later') }] })
    scanner.markers = []
    await other.run(await other.begin([update]), { scan })
    scanner.markers = ['wicked']
    scanner.version = 'Marker 2'
    const next = publishUpdate(other.source, {
      ...update.updateId,
      version: '2.0',
      files: [{ name: 'late.bin', bytes: Buffer.from('wicked later'), behaviour: answerStatus(404) }],
    })
    assert.deepEqual((await check([next], { on: other, scan })).found, ['0 SourceFileMalwareDetected late.bin'])
  })

  test('that could not be looked for refuses the file, or is a warning where it may pass', async () => {
    scanner.isAway = true
    try {
      const required = await check([infected()], { scan })
      assert.deepEqual(required.found, ['0 SourceFileNotScanned evil.swu'])
      const { found, warnings } = await check([infected()], { scan: { scanner, mode: 'best-effort', pausesMs: [] } })
      assert.deepEqual(found, [])
      assert.deepEqual(
        warnings.map(({ item, code, target }) => [item, code, target]),
        [[0, 'SourceFileNotScanned', 'evil.swu']],
      )
      assert.match(warnings[0]?.message ?? '', /"evil\.swu" was not scanned.*away.*would take it all the same/)
    } finally {
      scanner.isAway = false
    }
  })
})

test('a hash that only another instance knows opens nothing: the source is asked', async () => {
  const files = [{ name: 'a.bin', bytes: Buffer.from('known to the other instance only') }]
  const { updateId } = await pipeline.import({ files }, 'other')
  const [file] = files
  assert.ok(file)
  const update = publishUpdate(pipeline.source, { ...updateId, files: [{ ...file, behaviour: answerStatus(404) }] })
  for (const isDeep of [false, true])
    assert.deepEqual((await check([update], { isDeep })).found, ['0 SourceStatus a.bin'])
})

test('every quota that would be exceeded is told at once', async () => {
  const updates = [publishUpdate(pipeline.source), publishUpdate(pipeline.source)]
  const { found } = await check(updates, { limits: { updates: 1, providers: 1, bytes: 3 } })
  const [first, second] = updates.map(({ updateId }) => `${updateId.provider}/Toaster/1.0`)
  assert.deepEqual(found, [`0 StorageTotal ${first}`, `1 UpdateProvider ${second}`, `1 UpdateTotal ${second}`])
})

test('files of a broken manifest are judged as far as it can be read', async () => {
  const update = publishUpdate(pipeline.source, {
    files: [
      { name: 'sized.bin', bytes: BYTES, behaviour: serveBytes(Buffer.concat([BYTES, BYTES])) },
      { name: 'unsized.bin', bytes: BYTES },
      { name: 'unsized-missing.bin', bytes: BYTES, behaviour: answerStatus(404) },
      { name: 'unnamed.bin', bytes: BYTES },
    ],
    changes: {
      '/files/0/hashes/sha256': 'none',
      '/files/1/sizeInBytes': 'large',
      '/files/2/sizeInBytes': -1,
      '/files/3/filename': 7,
    },
  })
  update.input.files?.pop()
  for (const isDeep of [false, true]) {
    const { found } = await check([update], { isDeep })
    assert.deepEqual(found, [
      '0 HashWrong /files/0/hashes/sha256',
      '0 TypeWrong /files/1/sizeInBytes',
      '0 NumberWrong /files/2/sizeInBytes',
      '0 TypeWrong /files/3/filename',
      '0 SizeMismatch sized.bin',
      '0 SourceStatus unsized-missing.bin',
    ])
  }
})

test('an attempt that was lost changes nothing more', async () => {
  const update = publishUpdate(pipeline.source, {
    files: [
      {
        name: 'a.bin',
        bytes: BYTES,
        behaviour: (request, response) => {
          releaseLease(pipeline.database, operation)
            .then(() => pipeline.claim())
            .then(() => serveBytes(BYTES)(request, response))
        },
      },
    ],
  })
  const operation = await begin([update])
  await assert.rejects(run(operation), (error) => error instanceof BatchConflict && error.reason === 'guard')
  const [file] = await listProgress(pipeline.database, operation.operationId)
  assert.equal(file?.phase, 'Downloading')
  assert.equal((await findOperation(pipeline.database, 'default', operation.operationId))?.status, 'Running')
})

test('a database that fails interrupts the check, and is no finding', async () => {
  const operation = await begin([publishUpdate(pipeline.source)])
  const failing = new AppError('DatabaseFailed', 'The database is away.')
  const database = {
    ...pipeline.database,
    query: async (sql: string, params?: never[]) => {
      if (/from files where sha256/.test(sql)) throw failing
      return await pipeline.database.query(sql, params)
    },
  }
  await assert.rejects(run(operation, { database }), failing)
  // What is staged is read by the database, too.
  const openSource = () => Promise.reject(failing)
  await assert.rejects(run(operation, { openSource }), isDatabaseFailure)
  const openFiles: OpenSource = (url, options) => {
    return url.pathname.endsWith('/manifest') ? pipeline.openSource(url, options) : Promise.reject(failing)
  }
  for (const isDeep of [false, true]) {
    const next = await begin([publishUpdate(pipeline.source)], { isDeep })
    await assert.rejects(run(next, { openSource: openFiles }), isDatabaseFailure)
  }
})

test('a check that is stopped ends at once', async () => {
  const stop = new AbortController()
  const update = publishUpdate(pipeline.source, {
    files: [{ name: 'a.bin', bytes: BYTES, behaviour: () => stop.abort(new Error('the server stops')) }],
  })
  await assert.rejects(run(await begin([update]), { signal: stop.signal }), { message: 'the server stops' })
})

/** A value anywhere in the manifest, and what stands in its place. */
const damage = fc.record({ at: fc.nat(40), value: fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Json> })

const behaviours = fc.constantFrom<(bytes: Uint8Array) => Behaviour>(
  serveBytes,
  serveOtherBytes,
  () => answerStatus(404),
  () => answerStatus(500),
  (bytes) => sendMore(bytes, { extraBytes: 1 }),
  (bytes) => sendMore(bytes, { extraBytes: 0 }),
  (bytes) => closeEarly(bytes, { afterBytes: 3 }),
  (bytes) => claimLength(bytes, { claimedBytes: 1000 }),
)

/** Mostly nothing, so that some requests have nothing wrong at all. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
}

/** An update that may have something wrong anywhere. */
const recipe = fc.record({
  name: fc.constantFrom('One', 'Two', 'Three', 'Four'),
  isDeployable: fc.boolean(),
  reference: seldom(fc.constantFrom('One', 'Two', 'Imported', 'Missing')),
  files: fc.array(fc.record({ behaviour: seldom(behaviours) }), { minLength: 1, maxLength: 3 }),
  damage: seldom(damage),
  isTaken: seldom(fc.constant(true)),
  isFileMissing: seldom(fc.constant(true)),
})

test('what an import fails of is among what a check finds, and what a check lets pass an import takes', async () => {
  await using own = await startPipeline({ inFolder: true })
  const provider = 'Parity'
  await own.import({ provider, name: 'Imported', isDeployable: false })
  let [version, passed, refused] = [0, 0, 0]
  await fc.assert(
    fc.asyncProperty(fc.array(recipe, { minLength: 1, maxLength: 3 }), async (recipes) => {
      version += 1
      const id = (name: string) => ({ provider, name, version: name === 'Imported' ? '1.0' : `1.${version}` })
      const updates = recipes.map((recipe) => {
        const { name, isDeployable, reference, damage } = recipe
        const update = {
          ...id(recipe.isTaken ? 'Imported' : name),
          isDeployable,
          references: reference === undefined ? [] : [id(reference)],
          files: recipe.files.map(({ behaviour }, index) => {
            const bytes = Buffer.from(`${name} ${index} ${version}`)
            return { name: `${index}.bin`, bytes, ...(behaviour && { behaviour: behaviour(bytes) }) }
          }),
        }
        const good = publishUpdate(own.source, update)
        const manifest = damage && replaced(JSON.parse(String(good.manifestBytes)), { left: damage.at }, damage.value)
        const published = manifest ? publishUpdate(own.source, { ...update, manifestBytes: bytesOf(manifest) }) : good
        if (recipe.isFileMissing) published.input.files?.pop()
        return published
      })
      const { found } = await check(updates, { on: own })
      const error = await own.run(await own.begin(updates)).then(
        () => undefined,
        (failure: unknown) => failure,
      )
      if (error === undefined) {
        passed += 1
        assert.deepEqual(found, [])
      } else {
        refused += 1
        assert.ok(error instanceof AppError, String(error))
        const mistakes = error.details.length > 0 ? error.details : [innermost(error)]
        for (const { code } of mistakes)
          assert.ok(
            found.some((finding) => finding.split(' ')[1] === code),
            `${code}: ${found}`,
          )
      }
    }),
    { numRuns: 100 },
  )
  assert.ok(passed > 5 && refused > 20, `${passed} passed, ${refused} refused`)
})

function innermost(error: AppError): AppError {
  return error.inner === undefined ? error : innermost(error.inner)
}

/** The value with the part at this place replaced; a place beyond its end changes nothing. */
function replaced(value: Json, place: { left: number }, by: Json): Json {
  if (place.left-- === 0) return by
  if (Array.isArray(value)) return value.map((item) => replaced(item, place, by))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member, place, by)]))
}
