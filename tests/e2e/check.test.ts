// What an import would say, without one: nothing of a check stays but its own operation.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { OperationWithProgress } from '../../src/client/api-types.ts'
import { TABLES } from '../../src/store/copy-catalogue.ts'
import { startAzurite } from '../support/azurite.ts'
import {
  answerStatus,
  type Behaviour,
  type MisbehavingSource,
  sendMore,
  serveBytes,
  serveOtherBytes,
  stall,
  startSource,
} from '../support/misbehaving-source.ts'
import { checkAndWait, eventually, importAndWait, progressEnd } from '../support/operation-end.ts'
import { publishExample } from '../support/publish-example.ts'
import { publishUpdate, requestsFor, SIGNATURE } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { partialsOf } from '../support/stored-blobs.ts'

const ALLOW = ['--allow-source', '127.0.0.0/8']
const BYTES = Buffer.from('the bytes of a payload')
/** More than the buffers between a source and its reader. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 'large')

const forbidden = answerStatus(403, { headers: { 'x-ms-error-code': 'AuthorizationPermissionMismatch' } })

let source: MisbehavingSource
let aduana: Aduana
let client: ApiClient
before(async () => {
  source = await startSource()
  // The tests look into its catalogue and its store.
  aduana = await startAduana({ flags: [...ALLOW, '--limit', 'operations=2'], inFolder: true })
  client = await aduana.client()
})
after(async () => {
  await aduana?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

/** Input, code and target of everything that was found. */
function findingsOf({ error }: OperationWithProgress): [item: number | undefined, code: string, target?: string][] {
  return (error?.details ?? []).map(({ item, code, target }) => [item, code, target ?? ''])
}

function assertPasses(operation: OperationWithProgress): void {
  assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
}

/** Every row of the catalogue but those that tell of operations, and the name of every file of the store. */
async function whatIsKept({ folder }: Aduana): Promise<object> {
  using database = new DatabaseSync(join(folder, 'aduana.db'), { readOnly: true })
  const rows = TABLES.filter(({ table }) => !/^(operation|audit|events$)/.test(table)).map(({ table }) => [
    table,
    database.prepare(`select * from ${table}`).all(),
  ])
  const files = await readdir(join(folder, 'blobs'), { recursive: true })
  return { rows: Object.fromEntries(rows), files: files.sort(), folder: (await readdir(folder)).sort() }
}

describe('a check finds', () => {
  test('three mistakes, two files that cannot be had and a wrong size all at once', async () => {
    const { input } = publishUpdate(source, {
      files: [
        { name: 'forbidden.bin', bytes: BYTES, behaviour: forbidden },
        { name: 'missing.bin', bytes: BYTES, behaviour: answerStatus(404) },
        { name: 'longer.bin', bytes: BYTES, behaviour: serveBytes(LARGE) },
        { name: 'good.bin', bytes: BYTES },
      ],
      changes: { '/isDeployable': 'yes', '/compatibility': [], '/files/0/hashes/sha256': 'ab'.repeat(32) },
    })
    const operation = await checkAndWait(client, [input])
    assert.deepEqual([operation.kind, operation.status], ['check', 'Failed'])
    assert.deepEqual(findingsOf(operation), [
      [0, 'TypeWrong', '/isDeployable'],
      [0, 'CountWrong', '/compatibility'],
      [0, 'HashWrong', '/files/0/hashes/sha256'],
      [0, 'SourceStatus', 'forbidden.bin'],
      [0, 'SourceStatus', 'missing.bin'],
      [0, 'SizeMismatch', 'longer.bin'],
    ])
    const { code, message, details } = operation.error ?? {}
    assert.equal(code, 'ImportWouldFail')
    assert.match(message ?? '', /^An import would fail: isDeployable is .* \(and 5 more, see details\)$/)
    assert.match(details?.[3]?.message ?? '', /"forbidden\.bin": http:.* answered 403/)
    assert.match(details?.[3]?.innererror?.errorDetail ?? '', /AuthorizationPermissionMismatch/)
    assert.match(details?.[5]?.message ?? '', /33554432 bytes.*22/)
    assert.ok(!JSON.stringify(operation).includes(SIGNATURE))
  })

  test('what is wrong with each of several inputs, and says with which', async () => {
    const missing = { provider: 'Contoso', name: 'Missing', version: '1.0' }
    const child = { provider: 'Contoso', name: 'Child', version: '1.0' }
    const taken = publishUpdate(source)
    assert.equal((await importAndWait(client, [taken.input])).status, 'Succeeded')
    const inputs = [
      publishUpdate(source, {
        references: [missing, child],
        files: [{ name: 'a.bin', bytes: BYTES, behaviour: forbidden }],
      }),
      publishUpdate(source, { ...child, changes: { '/createdDateTime': 'yesterday' } }),
      publishUpdate(source, { ...taken.updateId, changes: { '/description': 'another' } }),
      publishUpdate(source, { ...child, name: 'CHILD' }),
    ].map(({ input }) => input)
    inputs[2]?.files?.push({ filename: 'b.bin', url: 'http://127.0.0.1:1/' })
    assert.deepEqual(findingsOf(await checkAndWait(client, inputs)), [
      [0, 'ReferenceNotFound', '/0/instructions/steps/1/updateId'],
      [0, 'ReferenceDeployable', '/0/instructions/steps/2/updateId'],
      [0, 'SourceStatus', 'a.bin'],
      [1, 'FormatWrong', '/1/createdDateTime'],
      [2, 'FileNotListed', '/2/files/1'],
      [2, 'UpdateAlreadyExists', `${taken.updateId.provider}/Toaster/1.0`],
      [2, 'SourceUnreachable', 'b.bin'],
      [3, 'UpdateRepeated', '/3'],
    ])
  })

  test('a manifest that cannot be had and, all the same, files that cannot', async () => {
    const { input } = publishUpdate(source, {
      manifestBehaviour: forbidden,
      files: [{ name: 'a.bin', bytes: BYTES, behaviour: answerStatus(404) }],
    })
    const operation = await checkAndWait(client, [input])
    assert.deepEqual(findingsOf(operation), [
      [0, 'SourceStatus', ''],
      [0, 'SourceStatus', 'a.bin'],
    ])
    assert.deepEqual([operation.updates, operation.files], [[], []])
  })

  test('a child whose manifest cannot be had is not called missing', async () => {
    const child = publishUpdate(source, { isDeployable: false, manifestBehaviour: answerStatus(404) })
    const parent = publishUpdate(source, { references: [child.updateId] })
    assert.deepEqual(findingsOf(await checkAndWait(client, [parent.input, child.input])), [[1, 'SourceStatus', '/1']])
  })

  test('wrong bytes, and a size that the source does not say, only if it is deep', async () => {
    const { input } = publishUpdate(source, {
      files: [
        { name: 'other.bin', bytes: BYTES, behaviour: serveOtherBytes(BYTES) },
        { name: 'unstated.bin', bytes: BYTES, behaviour: sendMore(BYTES, { extraBytes: 0 }) },
        { name: 'shorter.bin', bytes: LARGE, behaviour: sendMore(BYTES, { extraBytes: 1 }) },
      ],
    })
    const shallow = await checkAndWait(client, [input])
    assertPasses(shallow)
    const warnings = shallow.warnings?.filter(({ code }) => code === 'SizeNotStated')
    assert.deepEqual(
      warnings?.map(({ target, item }) => [target, item]),
      [
        ['unstated.bin', 0],
        ['shorter.bin', 0],
      ],
    )
    const deep = await checkAndWait(client, [input], { deep: true })
    assert.deepEqual(findingsOf(deep), [
      [0, 'HashMismatch', 'other.bin'],
      [0, 'SizeMismatch', 'shorter.bin'],
    ])
    assert.ok(!deep.warnings?.some(({ code }) => code === 'SizeNotStated'))
  })

  test('what the manifest should better say, as a warning', async () => {
    const { input } = publishUpdate(source, { changes: { '/instructions/steps/0/handler': 'microsoft/script:1' } })
    const operation = await checkAndWait(client, [input])
    assertPasses(operation)
    assert.deepEqual(
      operation.warnings?.map(({ code, target, item }) => [code, target, item]),
      [['Advice', '/instructions/steps/0/handlerProperties', 0]],
    )
  })
})

describe('a check keeps nothing', () => {
  for (const deep of [false, true]) {
    const depth = deep ? 'deep' : 'shallow'
    test(`of a good import, ${depth}: no row, no blob, no file; and the import succeeds afterwards`, async () => {
      const child = publishUpdate(source, { isDeployable: false })
      const parent = publishUpdate(source, { references: [child.updateId] })
      const inputs = [parent.input, child.input]
      const before = await whatIsKept(aduana)
      const operation = await checkAndWait(client, inputs, { deep })
      assertPasses(operation)
      assert.deepEqual(
        operation.updates.map(({ updateId }) => updateId),
        [parent.updateId, child.updateId],
      )
      assert.deepEqual(
        operation.files.map(({ item, phase, bytesDone, sizeInBytes }) => [item, phase, bytesDone === sizeInBytes]),
        [
          [0, 'Done', deep],
          [1, 'Done', deep],
        ],
      )
      assert.deepEqual(await whatIsKept(aduana), before)
      const { status, error } = await importAndWait(client, inputs)
      assert.equal(status, 'Succeeded', JSON.stringify(error))
    })

    test(`of a bad one, ${depth}`, async () => {
      const { input } = publishUpdate(source, {
        files: [
          { name: 'good.bin', bytes: BYTES },
          { name: 'other.bin', bytes: BYTES, behaviour: serveOtherBytes(BYTES) },
        ],
        changes: { '/compatibility': [] },
      })
      const before = await whatIsKept(aduana)
      assert.equal((await checkAndWait(client, [input], { deep })).status, 'Failed')
      assert.deepEqual(await whatIsKept(aduana), before)
    })
  }

  test('of the signatures in its URLs, once it has ended', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const behaviour: Behaviour = (request, response) => {
      answered.then(() => answerStatus(404)(request, response))
    }
    const { input } = publishUpdate(source, { files: [{ name: 'late.bin', bytes: BYTES, behaviour }] })
    const { operationId } = await client.checkUpdate([input])
    const isKept = async () => {
      const names = (await readdir(aduana.folder)).filter((name) => name.startsWith('aduana.db'))
      const files = await Promise.all(names.map((name) => readFile(join(aduana.folder, name))))
      return files.some((bytes) => bytes.includes(SIGNATURE))
    }
    await eventually('the signature is kept while the check runs', isKept)
    answer()
    assert.equal((await progressEnd(client, operationId)).status, 'Failed')
    await eventually('the signature is gone', async () => !(await isKept()))
    assert.ok(!aduana.log().includes(SIGNATURE))
  })
})

describe('a source', () => {
  test('is asked by GET and left after the first bytes', async () => {
    const { input, paths } = publishUpdate(source, {
      files: [
        { name: 'large.bin', bytes: LARGE },
        { name: 'stalled.bin', bytes: LARGE, behaviour: stall(LARGE, { afterBytes: 1 }) },
      ],
    })
    assertPasses(await checkAndWait(client, [input]))
    for (const name of ['large.bin', 'stalled.bin']) {
      const requests = source.requests.filter(({ path }) => path.startsWith(`${paths.get(name)}?`))
      assert.deepEqual(
        requests.map(({ method, headers }) => [method, headers.range]),
        [['GET', undefined]],
      )
    }
    await source.idle()
  })

  test('is not asked for what the instance has already, as by an import', async () => {
    const { updateId, input } = publishUpdate(source, {
      files: [{ name: 'a.bin', bytes: Buffer.from('known to all') }],
    })
    await importAndWait(client, [input])
    const again = publishUpdate(source, {
      ...updateId,
      version: '2.0',
      files: [{ name: 'a.bin', bytes: Buffer.from('known to all'), behaviour: forbidden }],
    })
    for (const deep of [false, true]) assertPasses(await checkAndWait(client, [again.input], { deep }))
    assert.equal((await importAndWait(client, [again.input])).status, 'Succeeded')
    assert.equal(requestsFor(source, again.paths.get('a.bin')), 0)
  })

  test('may be Blob storage with a SAS; one that is not for reading is told with its reason', async () => {
    await using azurite = await startAzurite()
    const { input } = await publishExample(azurite, 'swupdate/contoso.toaster-os.1.2.0.importmanifest.json')
    for (const deep of [false, true]) assertPasses(await checkAndWait(client, [input], { deep }))

    const [file] = input.files ?? []
    assert.ok(file)
    const [container = '', name = ''] = new URL(file.url).pathname.split('/').slice(2)
    file.url = azurite.sasUrl(container, name, { permissions: 'w' })
    const operation = await checkAndWait(client, [input])
    assert.deepEqual(findingsOf(operation), [[0, 'SourceStatus', file.filename]])
    assert.match(operation.error?.details?.[0]?.innererror?.errorDetail ?? '', /403 .*AuthorizationPermissionMismatch/)
  })
})

describe('a check is an operation', () => {
  test('of those in progress, of which an instance has so many', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const manifestBehaviour: Behaviour = (request, response) => {
      answered.then(() => answerStatus(404)(request, response))
    }
    const { input } = publishUpdate(source, { manifestBehaviour })
    const begun = [await client.checkUpdate([input]), await client.importUpdate([input])]
    await assert.rejects(client.checkUpdate([input]), { status: 429, code: 'TooManyRequests' })
    answer()
    for (const { operationId } of begun) await progressEnd(client, operationId)
  })

  test("that is answered below /aduana, and not in the original service's paths", async () => {
    const { operationId, operationLocation } = await client.checkUpdate([publishUpdate(source).input])
    assert.equal(operationLocation, `/aduana/v1/default/operations/${operationId}`)
    await progressEnd(client, operationId)
    await assert.rejects(client.getOperation(operationId), { status: 404 })
    const listed = await Array.fromAsync(client.listOperations())
    assert.ok(!listed.some((operation) => operation.operationId === operationId))
    const [newest] = await Array.fromAsync(client.listAllOperations({ kind: ['check'], top: 1 }))
    assert.equal(newest?.operationId, operationId)
  })

  test('that stands in the audit log', async () => {
    const { operationId } = await client.checkUpdate([publishUpdate(source).input])
    const lines = (await readFile(join(aduana.folder, 'audit.jsonl'), 'utf8')).trim().split('\n')
    assert.ok(
      lines
        .map((line) => JSON.parse(line))
        .some((entry) => entry.action === 'check' && entry.operationId === operationId),
    )
    await progressEnd(client, operationId)
  })

  test('that goes on with the next server when its own is killed', async () => {
    await using first = await startAduana({ flags: ALLOW })
    const bytes = Buffer.alloc(300_000, 'slow')
    const update = publishUpdate(source, {
      files: [
        { name: 'quick.bin', bytes: BYTES, behaviour: serveOtherBytes(BYTES) },
        { name: 'slow.bin', bytes, behaviour: stall(bytes, { afterBytes: 1000 }) },
      ],
    })
    const { operationId } = await (await first.client()).checkUpdate([update.input], { deep: true })
    await eventually('both files are asked for', () =>
      ['quick.bin', 'slow.bin'].every((name) => requestsFor(source, update.paths.get(name)) > 0),
    )
    await first.stop('SIGKILL')
    source.at(update.paths.get('slow.bin') ?? '', serveBytes(bytes))

    await using second = await first.restart()
    const operation = await progressEnd(await second.client(), operationId)
    assert.deepEqual(findingsOf(operation), [[0, 'HashMismatch', 'quick.bin']])
    assert.deepEqual(await partialsOf(second), [])
  })

  test('that is refused at once where the request is malformed', async () => {
    const ask = async (query: string, body: string) => {
      const response = await fetch(`${aduana.httpUrl}/aduana/v1/default/updates:check${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await token}`, 'content-type': 'application/json' },
        body,
      })
      const { error } = (await response.json()) as { error: { message: string; target?: string } }
      return [response.status, error.target, error.message]
    }
    const token = aduana.token()
    assert.deepEqual(await ask('?deep=perhaps', JSON.stringify([publishUpdate(source).input])), [
      400,
      'deep',
      'deep must be true or false.',
    ])
    assert.equal((await ask('', '[{"files": []}]'))[1], '/0/importManifest')
  })
})
