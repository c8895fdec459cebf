import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { newBlobName } from '../../src/domain/blob.ts'
import type { Caller } from '../../src/domain/caller.ts'
import { newContentId } from '../../src/domain/distribution.ts'
import type { OpenSource } from '../../src/ports/source.ts'
import { sweep, sweepLeftovers } from '../../src/services/deleting/sweep.ts'
import { type Acceptance, acceptDeletion, acceptImport } from '../../src/services/operations/accept-operation.ts'
import { startWorker } from '../../src/services/operations/worker.ts'
import { createStaging, type Staging } from '../../src/services/staging/staging.ts'
import { claimOperation, endStatements } from '../../src/store/operations/attempts.ts'
import { checkCopies } from '../support/check-copies.ts'
import { type MisbehavingSource, serveBytes, serveOtherBytes } from '../support/misbehaving-source.ts'
import { asImportInput, type PublishedUpdate, publishUpdate, sha256Of } from '../support/publish-update.ts'
import { createScannerStandIn, MALWARE } from '../support/scanner-stand-in.ts'
import { unpublishedUpdate } from '../support/stage.ts'
import { pathOf } from './check-blobs.ts'
import { CDN, type DataUnderTest, type Outside, type Ports, runAttempt, runToItsEnd } from './data-under-test.ts'
import { isInjected, type Scenario } from './fail-at-every-call.ts'

const MINUTE_MS = 60_000
const CHILD = { provider: 'Contoso', name: 'Child', version: '1.0' }
const SECOND_CHILD = { provider: 'Contoso', name: 'Second', version: '1.0' }
const PARENT = { provider: 'Contoso', name: 'Parent', version: '1.0' }
const CALLER: Caller = { subject: 'a test', issuer: 'urn:tests', address: '127.0.0.1', traceId: '0' }

const text = (name: string) => Buffer.from(`the bytes of ${name}`)
/** So large that it is resumed rather than fetched again. */
const LARGE = Buffer.alloc(1024 * 1024 + 10_000, 'large ')

/** Everything that services do to data, each with as many different calls as it has. */
export function faultScenarios(source: MisbehavingSource, openSource: OpenSource): Scenario[] {
  const scanner = createScannerStandIn()
  const unscanned = { openSource: inLargeChunks(openSource), scanner: undefined }
  const scanned = { ...unscanned, scanner }
  const file = (name: string, bytes: Uint8Array = text(name)) => ({ name, bytes })

  const known = publishUpdate(source, { files: [file('known.bin')] })
  const ofOther = publishUpdate(source, { files: [file('other.bin')] })
  const mixed = publishUpdate(source, {
    files: [file('new.bin'), file('known.bin'), file('other.bin'), file('large.bin', LARGE)],
    // Another hash of bytes that are known already: they are read again.
    changes: { '/files/1/hashes/md5': md5Of(text('known.bin')) },
  })
  const child = publishUpdate(source, { ...CHILD, isDeployable: false, files: [file('shared.bin')] })
  const second = publishUpdate(source, {
    ...SECOND_CHILD,
    isDeployable: false,
    files: [file('second.bin'), file('shared.bin')],
  })
  const parent = publishUpdate(source, {
    ...PARENT,
    references: [CHILD, SECOND_CHILD],
    files: [file('parent.bin'), file('shared.bin')],
  })
  const infected = publishUpdate(source, { files: [file('infected.bin', MALWARE), file('good.bin')] })
  const sameInfected = publishUpdate(source, { files: [file('infected.bin', MALWARE)] })
  const wrong = publishUpdate(source, {
    files: [file('first.bin'), { ...file('wrong.bin'), behaviour: serveOtherBytes(text('wrong.bin')) }],
  })
  const slow = publishUpdate(source, {
    files: [
      {
        ...file('slow.bin'),
        behaviour: (request, response) => void setTimeout(serveBytes(text('slow.bin')), 30, request, response),
      },
    ],
  })

  const imported = async (data: DataUnderTest, updates: PublishedUpdate[], instance?: string) => {
    await data.recordImport(updates, instance)
    await data.runAll()
  }
  const begin = async (ports: Ports) => {
    const operation = await claimOperation(ports.database, MINUTE_MS)
    if (operation !== undefined) await runToItsEnd(operation, ports, isInjected)
  }
  const withKnown = async (data: DataUnderTest) => {
    await imported(data, [known])
    await imported(data, [ofOther], 'other')
  }

  return [
    ...[unscanned, scanned].map(
      (outside): Scenario => ({
        name: outside.scanner ? 'scanned import' : 'import',
        isLong: true,
        outside,
        async prepare(data) {
          await withKnown(data)
          await data.recordImport([mixed])
        },
        act: begin,
      }),
    ),
    {
      name: 'import of a parent and a child, with another child there',
      isLong: true,
      outside: unscanned,
      async prepare(data) {
        await imported(data, [child])
        await data.recordImport([parent, second])
      },
      act: begin,
    },
    {
      name: 'import of malware that another update has',
      outside: scanned,
      async prepare(data) {
        await data.recordImport([sameInfected])
        const operation = await claimOperation(data.ports.database, MINUTE_MS)
        // At a time when nobody scanned.
        if (operation !== undefined) await runAttempt(operation, { ...data.ports, scanner: undefined })
        await data.recordImport([infected])
      },
      act: begin,
    },
    {
      name: 'import that must fail',
      outside: unscanned,
      async prepare(data) {
        await data.recordImport([wrong])
      },
      act: begin,
    },
    {
      name: 'deep check that finds something',
      isLong: true,
      outside: scanned,
      async prepare(data) {
        await withKnown(data)
        const inputs = [mixed, wrong].map(({ input }) => asImportInput(input))
        await data.record({ kind: 'check', inputs, isDeep: true })
      },
      act: begin,
    },
    {
      name: 'import of what has lost its bytes',
      outside: unscanned,
      wrongBefore: ['blob-missing'],
      async prepare(data) {
        await imported(data, [child])
        const [row] = await data.ports.database.query(
          'select b.name from blobs b join files f on f.sha256 = b.sha256 limit 1',
        )
        await unlink(pathOf(`${data.folder}/blobs`, String(row?.name)))
        // What was imported in the same millisecond as this was asked for is not taken for older.
        await delay(2)
        await data.recordImport([child])
      },
      act: begin,
    },
    stagedImport(unscanned),
    stagedUpload(unscanned),
    {
      name: 'import that must reach a distribution store',
      isLong: true,
      outside: { ...unscanned, mustReachCdn: true },
      async prepare(data) {
        await withKnown(data)
        await data.recordImport([mixed])
      },
      act: begin,
      async again(data) {
        await data.runAll()
        await data.distributeAll()
        await assertDistributed(data)
      },
    },
    {
      name: 'distribution',
      isLong: true,
      outside: unscanned,
      async prepare(data) {
        const { database, cdn } = data.ports
        await imported(data, [known])
        await imported(data, [mixed])
        await data.distributeAll()
        // Something to copy, to delete, to copy again, and to delete since nobody knows it.
        await imported(data, [child])
        await data.record({ kind: 'delete', updateId: mixed.updateId })
        await data.runAll()
        const [lost] = await database.query('select content_id, file_name from files order by file_name limit 1')
        await cdn.delete(`${lost?.content_id}/${lost?.file_name}`)
        const forgotten = join(data.cdnFolder, newContentId())
        await mkdir(forgotten)
        await writeFile(join(forgotten, 'forgotten.bin'), 'forgotten')
      },
      async act(ports, data) {
        await data.makeOld(data.cdnFolder)
        await data.distributeAll(ports)
      },
      async again(data) {
        await data.distributeAll()
        await assertDistributed(data)
      },
    },
    {
      name: 'deletion',
      outside: unscanned,
      async prepare(data) {
        await imported(data, [child, second, parent])
        await imported(data, [known])
        await data.record({ kind: 'delete', updateId: PARENT })
      },
      act: begin,
    },
    {
      name: 'deletion that must fail',
      outside: unscanned,
      async prepare(data) {
        await imported(data, [child, second, parent])
        await data.record({ kind: 'delete', updateId: CHILD })
      },
      act: begin,
    },
    {
      name: 'sweep',
      outside: unscanned,
      async prepare(data) {
        const { database, blobs } = data.ports
        await imported(data, [known])
        await imported(data, [mixed])
        await imported(data, [wrong])
        await data.record({ kind: 'delete', updateId: mixed.updateId })
        await data.runAll()
        // Copies that crashes have left: one that was committed and one that was not.
        const bytes = text('known.bin')
        for (const isCommitted of [true, false]) {
          const name = newBlobName(Buffer.from(sha256Of(bytes), 'base64').toString('hex'))
          const writer = await blobs.create({ name, sizeInBytes: bytes.byteLength })
          await writer.write(bytes)
          await (isCommitted ? writer.commit() : writer.suspend())
        }
        await data.recordImport([slow])
        const failed = await claimOperation(database, MINUTE_MS)
        const error = { code: 'InternalError', message: 'for the sake of a test' }
        if (failed !== undefined) await database.batch(endStatements(failed, { status: 'Failed', error }))
        await data.makeOld()
      },
      async act(ports, data) {
        await data.makeOld()
        await sweep(ports, { graceMs: 0 })
        await sweepLeftovers(ports, new AbortController().signal)
      },
    },
    {
      name: 'worker',
      isLong: true,
      outside: unscanned,
      isCatalogueOnly: true,
      prepare: (data) => imported(data, [known]),
      act: (ports, data) =>
        work(ports, async (acceptance) => {
          const request = { inputs: [asImportInput(slow.input)] }
          await acceptImport(acceptance, { instance: 'default', request, caller: CALLER })
          await acceptDeletion(acceptance, { instance: 'default', updateId: known.updateId, caller: CALLER })
          await until(data, 'due_at is null')
        }),
      // What the caller was not told of, or saw fail, it asks for again.
      async again(data) {
        await data.runAll()
        await data.recordImport([slow])
        await data.record({ kind: 'delete', updateId: known.updateId })
      },
    },
    {
      name: 'worker that parks what it runs',
      outside: unscanned,
      isCatalogueOnly: true,
      async prepare(data) {
        await data.recordImport([slow])
      },
      act: (ports, data) => work(ports, () => until(data, `status <> 'NotStarted'`)),
      async again(data) {
        await data.runAll()
        await data.recordImport([slow])
      },
    },
  ]
}

const OWNER = { instance: 'default', subject: CALLER.subject, issuer: CALLER.issuer }
const NO_AUDIT = { async recorded() {}, async refused() {} }
/** A file of these has three parts. */
const PART_BYTES = 100
const STAGED = Buffer.alloc(3 * PART_BYTES - 50, 'staged ')

function stagingOf({ database, blobs }: Ports): Staging {
  return createStaging({ database, blobs, audit: NO_AUDIT, partBytes: PART_BYTES })
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Uploads bytes, or the first of them. Answers the id. */
async function stage(ports: Ports, bytes: Uint8Array, { sentBytes = bytes.length } = {}): Promise<string> {
  const staging = stagingOf(ports)
  const { id } = await staging.create({ instance: 'default', caller: CALLER, sizeInBytes: bytes.length, metadata: '' })
  await staging.append(id, OWNER, { offset: 0, body: bodyOf(bytes.subarray(0, sentBytes)) })
  return id
}

/** Asks for the import of an update whose manifest and only file are staged, as the API does. */
async function acceptStaged({ database }: Ports, manifestId: string, fileId: string, update: PublishedUpdate) {
  const input = asImportInput(structuredClone(update.input))
  input.importManifest.url = `staging:${manifestId}`
  input.files = input.files.map(({ fileName }) => ({ fileName, url: `staging:${fileId}` }))
  const acceptance = { database, limits: {}, audit: NO_AUDIT, wake() {} }
  await acceptImport(acceptance, { instance: 'default', request: { inputs: [input] }, caller: CALLER })
}

function stagedImport(outside: Outside): Scenario {
  const update = unpublishedUpdate({ files: [{ name: 'staged.bin', bytes: STAGED }] })
  return {
    name: 'import of what is staged',
    isLong: true,
    outside,
    async prepare({ ports }) {
      const ids = [await stage(ports, update.manifestBytes), await stage(ports, STAGED)] as const
      await acceptStaged(ports, ...ids, update)
    },
    async act(ports) {
      const operation = await claimOperation(ports.database, MINUTE_MS)
      if (operation !== undefined) await runToItsEnd(operation, ports, isInjected)
    },
    async again(data) {
      await data.runAll()
      assert.deepEqual(await data.ports.database.query('select id from staged_uploads'), [])
    },
  }
}

/** In the end what was uploaded is imported, which proves every byte of it. */
function stagedUpload(outside: Outside): Scenario {
  const update = unpublishedUpdate({ files: [{ name: 'staged.bin', bytes: STAGED }] })
  let manifestId = ''
  let fileId = ''
  async function appendRest(ports: Ports): Promise<void> {
    const staging = stagingOf(ports)
    const { bytesReceived: offset } = await staging.find(fileId, OWNER)
    await staging.append(fileId, OWNER, { offset, body: bodyOf(STAGED.subarray(offset)) })
  }
  return {
    name: 'upload',
    isLong: true,
    outside,
    async prepare({ ports }) {
      manifestId = await stage(ports, update.manifestBytes)
      fileId = await stage(ports, STAGED, { sentBytes: 20 })
    },
    act: appendRest,
    async again(data) {
      await appendRest(data.ports)
      await acceptStaged(data.ports, manifestId, fileId, update)
      await data.runAll()
    },
  }
}

/** Lets a worker run while `meanwhile` goes on, and then stops it at once. */
async function work(ports: Ports, meanwhile: (acceptance: Acceptance) => Promise<void>): Promise<void> {
  const { database } = ports
  const worker = startWorker({
    database,
    log: { info() {}, warn() {}, error() {} },
    leaseMs: 100,
    renewEveryMs: 10,
    pollEveryMs: 10,
    run: (operation, signal) => runAttempt(operation, ports, signal),
  })
  try {
    await meanwhile({ database, limits: {}, audit: { async recorded() {}, async refused() {} }, wake: worker.wake })
  } finally {
    await worker.stop(0)
  }
}

async function assertDistributed({ ports, cdnFolder }: DataUnderTest): Promise<void> {
  assert.deepEqual(await checkCopies(ports.database, { store: CDN, folder: cdnFolder }), [])
}

/** Waits until every operation is like that. */
async function until({ ports }: DataUnderTest, condition: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const [other] = await ports.database.query(`select id from operations where not (${condition}) limit 1`)
    if (other === undefined) return
    if (Date.now() > deadline) throw new Error(`No worker makes the operations so that ${condition}.`)
    await delay(5)
  }
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64')
}

/** Gathers what a source sends: every chunk of it costs a run of the scenario. */
function inLargeChunks(openSource: OpenSource): OpenSource {
  return async (url, options) => {
    const body = await openSource(url, options)
    const gathered = async function* () {
      let chunks: Uint8Array[] = []
      for await (const chunk of body) {
        // Copied, since a chunk is good until the next one is asked for.
        if (chunks.push(Buffer.from(chunk)) < 8) continue
        yield Buffer.concat(chunks)
        chunks = []
      }
      if (chunks.length > 0) yield Buffer.concat(chunks)
    }
    const { start, etag, sizeInBytes } = body
    return Object.assign(gathered(), {
      start,
      etag,
      sizeInBytes,
      [Symbol.asyncDispose]: async () => await body[Symbol.asyncDispose](),
    })
  }
}
