// The fifteen facts about the original service that are most likely to be got wrong, each with a test that names it. What can be seen
// without a worker is asked of the API over a database in memory; what an import makes of its input, of the real program.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ImportUpdateInput, Operation, OperationError, Update, UpdateFile } from '../../src/client/api-types.ts'
import { sweep } from '../../src/services/deleting/sweep.ts'
import { type AppInMemory, startAppInMemory } from '../support/app-in-memory.ts'
import { ask } from '../support/ask.ts'
import { bytesOf, changed, SHA256, validManifest } from '../support/import-manifests.ts'
import { answerStatus, type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { importAndWait, operationEnd } from '../support/operation-end.ts'
import { publishUpdate, sha256Of } from '../support/publish-update.ts'
import { COMPONENTS, OPERATIONS, seedEveryState, toaster } from '../support/seed-every-state.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'
import { addressOf, pathOf, WIRE_DIALECTS, type WireDialect } from '../support/wire-dialects.ts'

type List<T = string> = { value: T[]; nextLink?: string }
type OperationBody = Operation & { error?: OperationError & { innerError?: OperationError['innererror'] } }

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const A_DAY_MS = 24 * 3_600_000
const JSON_TYPE = { 'content-type': 'application/json' }

const INPUT = {
  importManifest: { url: 'https://contoso.example/manifest.json', sizeInBytes: 816, hashes: { sha256: SHA256 } },
  files: [{ filename: 'toaster.swu', url: 'https://contoso.example/toaster.swu' }],
}

/** Every address at which an import is taken. */
const IMPORT_ADDRESSES = [
  '/deviceupdate/default/v2/updates?action=import',
  '/deviceupdate/default/v2/updates:import',
  '/deviceupdate/default/updates?action=import&api-version=2',
  '/deviceupdate/default/updates?action=import&api-version=2021-06-01-preview',
  '/deviceUpdate/default/updates?action=import&api-version=2022-10-01',
  '/deviceUpdate/default/updates:import?api-version=2022-10-01',
  '/deviceupdate/default/updates:import?api-version=2024-07-01-draft',
  '/deviceUpdate/default/updates:import',
]

describe('on the wire', () => {
  let app: AppInMemory
  before(async () => {
    app = await startAppInMemory({ instances: ['default', 'many'] })
    await seedEveryState(app.database, { traceId: TRACE_ID, instanceWithMany: 'many' })
  })
  after(() => app[Symbol.asyncDispose]())

  const post = (path: string, body: unknown) =>
    app.ask(path, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) })
  const operationIn = async (dialect: WireDialect, operationId: string) =>
    (await app.ask(addressOf(dialect, `/operations/${operationId}`))).json<OperationBody>()

  test('fact 1: body shape: an object, an array of 1 to 11, or importUpdateInput, at every import address', async () => {
    const shapes = [INPUT, [INPUT], Array(11).fill(INPUT), { importUpdateInput: [INPUT], enableScan: true }]
    for (const address of IMPORT_ADDRESSES) {
      for (const shape of shapes) assert.equal((await post(address, shape)).status, 202, address)
      for (const shape of [[], Array(12).fill(INPUT), 'text', null, 5]) {
        assert.equal((await post(address, shape)).status, 400, address)
      }
    }
  })

  test('fact 2: import address: ?action=import, and updates:import with a colon that may be escaped', async () => {
    const addresses = ['updates%3Aimport', 'updates%3aimport', 'Updates:Import', 'updates?Action=Import']
    for (const address of addresses) {
      assert.equal((await post(`/deviceupdate/default/${address}`, [INPUT])).status, 202, address)
    }
    for (const query of ['', '?action=cancel', '?api-version=2022-10-01']) {
      const refused = await post(`/deviceUpdate/default/updates${query}`, [INPUT])
      assert.equal(refused.status, 400)
      assert.equal(refused.json<{ error: OperationError }>().error.target, 'action')
    }
    assert.equal((await app.ask('/deviceUpdate/default/updates:import')).status, 404)
    assert.equal((await post('/deviceUpdate/default/updates:export', [INPUT])).status, 404)
  })

  test('fact 3: v2 has no api-version, and an operation is found at every address that it was ever given', async () => {
    const id = OPERATIONS.succeeded
    const addresses = [
      `/deviceupdate/default/v2/updates/operations/${id}`,
      `/deviceupdate/default/updates/operations/${id}?api-version=2`,
      `/deviceupdate/default/updates/operations/${id}?api-version=2021-06-01-preview`,
      `/deviceUpdate/default/updates/operations/${id}?api-version=2022-10-01`,
      `/deviceupdate/default/v2/updates/operations/${id}%3Fapi-version%3D2`,
      `/deviceUpdate/default/updates/operations/${id}%3fapi-version%3d2022-10-01?api-version=2022-10-01`,
    ]
    for (const address of addresses) {
      const answer = await app.ask(address)
      assert.equal(answer.status, 200, address)
      assert.equal(answer.json<Operation>().operationId, id)
    }
  })

  test('fact 3: the address that an import is answered with leads to the operation', async () => {
    for (const { title, base, importPath, body, family } of WIRE_DIALECTS) {
      const location = String((await post(base + importPath, body(INPUT))).headers['operation-location'])
      assert.match(location, family === '2022' ? /^\/deviceUpdate\/default\/updates\// : /^\/deviceupdate\/default\//)
      assert.equal(location.includes('api-version'), family !== 'v2', title)
      const operation = (await app.ask(location)).json<Operation>()
      assert.equal(operation.status, 'NotStarted')
      // How PowerShell and early Python take the id out of it.
      assert.equal(location.split('/').at(-1)?.split('?')[0], operation.operationId)
    }
  })

  test('fact 4: query options have a $ in old dialects, lost it in 2022, and are the same everywhere', async () => {
    for (const dialect of WIRE_DIALECTS) {
      for (const prefix of ['', '$', '%24'] as const) {
        const lengthOf = async (path: string, options: Record<string, string>) => {
          const written = { ...dialect, prefix: prefix as '$' }
          return (await app.ask(addressOf(written, path, options))).json<List>().value.length
        }
        assert.equal(await lengthOf('/operations', { top: '1' }), 1)
        assert.equal(await lengthOf('/operations', { filter: "status eq 'Failed'" }), 3)
        assert.equal(await lengthOf('', { search: 'sensor' }), 1)
        assert.equal(await lengthOf('', { filter: 'isDeployable eq false' }), 1)
        assert.equal(await lengthOf('/providers/contoso/names/sensor/versions', { filter: 'isDeployable eq true' }), 0)
      }
    }
  })

  test('fact 5: 202 has no body and no content type, and Location only in v2', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const imported = await post(dialect.base + dialect.importPath, dialect.body(INPUT))
      const deleted = await app.ask(addressOf(dialect, pathOf(toaster('2.0'))), { method: 'DELETE' })
      for (const { status, headers, text } of [imported, deleted]) {
        assert.equal(status, 202)
        assert.equal(text, '')
        assert.equal(headers['content-length'], '0')
        assert.equal(headers['transfer-encoding'], undefined)
        assert.equal(headers['content-type'], undefined)
        assert.equal(headers.location, dialect.family === 'v2' ? headers['operation-location'] : undefined)
        // Clients ask at once, and then at the pace that the operation tells.
        assert.equal(headers['retry-after'], undefined)
      }
    }
  })

  test('fact 7: the operation says updateId until 2021 and update since 2022, once the manifest was read', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const unread = await operationIn(dialect, OPERATIONS.runningManifestNotRead)
      const failedUnread = await operationIn(dialect, OPERATIONS.failedManifestNotRead)
      for (const operation of [unread, failedUnread]) {
        assert.ok(!('update' in operation) && !('updateId' in operation), dialect.title)
      }
      for (const status of ['running', 'failedFile', 'succeeded'] as const) {
        const operation = await operationIn(dialect, OPERATIONS[status])
        const { provider } = (dialect.family === '2022' ? operation.update?.updateId : operation.updateId) ?? {}
        assert.equal(provider, 'Contoso')
        assert.equal('update' in operation, dialect.family === '2022')
        assert.equal('updateId' in operation, dialect.family !== '2022')
      }
    }
  })

  test('fact 8: innererror and innerError are both there and equal; further in it is innerError', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const { error } = await operationIn(dialect, OPERATIONS.failedFile)
      assert.deepEqual(error?.innererror, error?.innerError)
      assert.equal(error?.innererror?.innerError?.code, 'HashMismatch')
      assert.ok(!('innererror' in (error?.innererror ?? {})))
    }
  })

  test('fact 9: 404 is a problem document with the trace, and an error envelope besides', async () => {
    const missing = [
      pathOf(toaster('9.9')),
      `${pathOf(toaster('9.9'))}/files`,
      `${pathOf(toaster('4.0'))}/files/00000`,
      '/operations/00000000-0000-4000-8000-000000000000',
      '/operations/not-a-guid',
      '/providers/Fabrikam/names',
      '/providers/Contoso/names/Fridge/versions',
    ]
    for (const dialect of WIRE_DIALECTS) {
      for (const path of missing) {
        const { status, headers, json } = await app.ask(addressOf(dialect, path))
        assert.equal(status, 404, path)
        assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
        const { error, ...problem } = json<{ error: OperationError }>()
        assert.deepEqual(problem, {
          type: 'https://tools.ietf.org/html/rfc7231#section-6.5.4',
          title: 'Not Found',
          status: 404,
          traceId: headers.traceparent,
        })
        assert.equal(error.code, 'NotFound')
        assert.ok(error.message.length > 10)
      }
    }
  })

  test('fact 10: a deletion has no resourceLocation; an import has one that leads to the update', async () => {
    for (const dialect of WIRE_DIALECTS) {
      for (const status of ['deleteSucceeded', 'deleteFailed', 'deleteNotStarted', 'running', 'failedFile'] as const) {
        assert.ok(!('resourceLocation' in (await operationIn(dialect, OPERATIONS[status]))), status)
      }
      const { resourceLocation = '' } = await operationIn(dialect, OPERATIONS.succeededParentAndChild)
      assert.ok(resourceLocation.startsWith(dialect.base.slice(0, 13)), resourceLocation)
      assert.deepEqual((await app.ask(resourceLocation)).json<Update>().updateId, COMPONENTS)
    }
  })

  test('fact 11: filename or fileName in requests, in any letter case, and hashes under SHA256, Sha256 or sha256', async () => {
    const { url, sizeInBytes } = INPUT.importManifest
    const bodies = [
      { importManifest: { url, sizeInBytes, hashes: { SHA256 } }, files: [{ fileName: 'a', url }] },
      {
        ImportManifest: { Url: url, SizeInBytes: sizeInBytes, Hashes: { Sha256: SHA256 } },
        Files: [{ Filename: 'a', Url: url }],
      },
    ]
    for (const body of bodies) for (const path of IMPORT_ADDRESSES) assert.equal((await post(path, body)).status, 202)

    const hex = Buffer.from(SHA256, 'base64').toString('hex')
    const refused = await post(IMPORT_ADDRESSES[0] ?? '', {
      ...INPUT,
      importManifest: { url, sizeInBytes, hashes: { sha256: hex } },
    })
    assert.equal(refused.status, 400)
    assert.match(refused.text, /looks like a hex digest, but Device Update wants base64/)
  })

  test('fact 11: fileName in answers, and hashes in base64 under sha256', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const files = addressOf(dialect, `${pathOf(toaster('4.0'))}/files`)
      const [fileId] = (await app.ask(files)).json<List>().value
      assert.match(fileId ?? '', /^f[0-9a-f]{16}$/)
      const file = (await app.ask(addressOf(dialect, `${pathOf(toaster('4.0'))}/files/${fileId}`))).json<UpdateFile>()
      assert.equal(file.fileName, 'toaster.swu')
      assert.ok(!('filename' in file))
      assert.deepEqual(file.hashes, { sha256: SHA256 })
    }
  })

  test('fact 13: the ETag is a quoted GUID, in header and body, and 304 comes for updates, files and operations', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const [fileId] = (await app.ask(addressOf(dialect, `${pathOf(toaster('4.0'))}/files`))).json<List>().value
      const cacheable = [pathOf(toaster('4.0')), `${pathOf(toaster('4.0'))}/files/${fileId}`]
      for (const path of [...cacheable, `/operations/${OPERATIONS.succeeded}`]) {
        const address = addressOf(dialect, path)
        const { headers, json } = await app.ask(address)
        const etag = headers.etag ?? ''
        assert.match(etag, /^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$/)
        assert.equal(json<{ etag: string }>().etag, etag)
        assert.equal(headers['cache-control'], cacheable.includes(path) ? 'max-age=60, private' : undefined)
        for (const ifNoneMatch of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
          const again = await app.ask(address, { headers: { 'if-none-match': ifNoneMatch } })
          assert.equal(again.status, 304, `${path} ${ifNoneMatch}`)
          assert.equal(again.text, '')
          assert.equal(again.headers.etag, etag)
        }
        for (const ifNoneMatch of ['"other"', etag.replaceAll('"', '')]) {
          assert.equal((await app.ask(address, { headers: { 'if-none-match': ifNoneMatch } })).status, 200)
        }
      }
      for (const list of ['', '/providers', '/operations', `${pathOf(toaster('4.0'))}/files`]) {
        const { status, headers } = await app.ask(addressOf(dialect, list), { headers: { 'if-none-match': '*' } })
        assert.deepEqual([status, headers.etag, headers['cache-control']], [200, undefined, undefined], list)
      }
    }
  })

  test('fact 15: operations are listed without deletions, newest first, and the one known filter works', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const filter = "status eq 'NotStarted' or status eq 'Running'"
      const { value } = (await app.ask(addressOf(dialect, '/operations', { filter }))).json<List<Operation>>()
      const seeded = value.map(({ operationId }) => operationId).filter((id) => id.startsWith('00000000'))
      assert.deepEqual(seeded, [OPERATIONS.notStarted, OPERATIONS.running, OPERATIONS.runningManifestNotRead])
      for (const other of ["createdDateTime gt '2020'", "status eq 'Canceled'"]) {
        assert.equal((await app.ask(addressOf(dialect, '/operations', { filter: other }))).status, 400)
      }
    }
  })

  test('fact 15: versions are listed newest first, by number and not by text', async () => {
    const { value } = (
      await app.ask('/deviceUpdate/many/updates/providers/Contoso/names/Toaster/versions')
    ).json<List>()
    assert.deepEqual(value.slice(0, 3), ['1.100', '1.99', '1.98'])
  })

  test('fact 15: Retry-After is there while the operation goes on, and no longer than that', async () => {
    for (const dialect of WIRE_DIALECTS) {
      const retryAfter = async (id: string) =>
        (await app.ask(addressOf(dialect, `/operations/${id}`))).headers['retry-after']
      for (const status of ['notStarted', 'running', 'deleteNotStarted'] as const) {
        assert.match((await retryAfter(OPERATIONS[status])) ?? '', /^[1-9]$/)
      }
      for (const status of ['succeeded', 'failedFile', 'deleteSucceeded'] as const) {
        assert.equal(await retryAfter(OPERATIONS[status]), undefined)
      }
    }
  })

  test('fact 15: operations vanish seven days after they ended, others stay', async () => {
    const { database, blobs } = app
    const address = `/deviceUpdate/default/updates/operations/${OPERATIONS.failedFile}`
    const endedAgo = async (ms: number) => {
      const sql = 'update operations set ended_at = (select now_ms from clock) - $1 where id = $2'
      await database.query(sql, [ms, OPERATIONS.failedFile])
      await sweep({ database, blobs }, { graceMs: 1_000_000 })
    }
    await endedAgo(7 * A_DAY_MS - 60_000)
    assert.equal((await app.ask(address)).status, 200)
    await endedAgo(7 * A_DAY_MS)
    assert.equal((await app.ask(address)).status, 404)
    const { value } = (await app.ask('/deviceUpdate/default/updates/operations')).json<List<Operation>>()
    const left = value.map(({ operationId }) => operationId)
    assert.ok(!left.includes(OPERATIONS.failedFile) && left.includes(OPERATIONS.running))
  })
})

describe('imported by the real program', () => {
  let source: MisbehavingSource
  let aduana: Aduana
  let client: ApiClient
  let token: string
  before(async () => {
    source = await startSource()
    aduana = await startAduana()
    client = await aduana.client()
    token = await aduana.token()
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  const succeeded = async (...inputs: ImportUpdateInput[]) => {
    const operation = await importAndWait(client, inputs)
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
    return operation
  }
  const failed = async (...inputs: ImportUpdateInput[]) => {
    const operation = await importAndWait(client, inputs)
    assert.equal(operation.status, 'Failed')
    assert.ok(operation.error)
    return operation.error
  }

  test('fact 6: what is wrong with the content fails the operation, which is answered with 200, and never the POST', async () => {
    const existing = publishUpdate(source)
    await succeeded(existing.input)
    const unreachable = publishUpdate(source).input
    unreachable.importManifest.url = 'http://127.0.0.1:1/importmanifest.json'
    const otherHash = publishUpdate(source).input
    otherHash.importManifest.hashes = { sha256: SHA256 }
    const withoutFiles = publishUpdate(source).input
    delete withoutFiles.files
    const cases: [ImportUpdateInput, code: string, inner: string | undefined][] = [
      [existing.input, 'UpdateAlreadyExists', undefined],
      [
        publishUpdate(source, { manifestBytes: Buffer.from('<html>') }).input,
        'CannotProcessImportManifest',
        'CannotParse',
      ],
      [
        publishUpdate(source, { manifestBehaviour: answerStatus(403) }).input,
        'CannotProcessImportManifest',
        'CannotDownload',
      ],
      [unreachable, 'CannotProcessImportManifest', 'CannotDownload'],
      [otherHash, 'CannotProcessImportManifest', 'CannotDownload'],
      [withoutFiles, 'CannotProcessUpdateFile', 'ContentFileCannotDownload'],
      [
        publishUpdate(source, {
          files: [{ name: 'a', bytes: Buffer.from('a'), behaviour: serveBytes(Buffer.from('b')) }],
        }).input,
        'CannotProcessUpdateFile',
        'ContentFileCannotDownload',
      ],
      [
        publishUpdate(source, { changes: { '/manifestVersion': '6.0' } }).input,
        'CannotProcessImportManifest',
        'UnsupportedVersion',
      ],
    ]
    for (const [input, code, inner] of cases) {
      const error = await failed(input)
      assert.deepEqual([error.code, error.innererror?.code], [code, inner], error.message)
      assert.match(error.occurredDateTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/)
    }
  })

  test('fact 11: the private preview’s letter case goes all the way', async () => {
    const { input, updateId } = publishUpdate(source)
    const { url, sizeInBytes, hashes } = input.importManifest
    const body = {
      ImportManifest: { Url: url, SizeInBytes: sizeInBytes, Hashes: { Sha256: hashes.sha256 } },
      Files: input.files?.map(({ filename, url }) => ({ FileName: filename, Url: url })),
    }
    const answer = await ask(aduana.httpUrl, '/deviceupdate/default/v2/updates?action=import', {
      method: 'POST',
      headers: { ...JSON_TYPE, authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    const operationId = String(answer.headers['operation-location']).split('/').at(-1) ?? ''
    assert.equal((await operationEnd(client, operationId)).status, 'Succeeded')
    const { files } = await client.getUpdateWithContent(updateId)
    assert.deepEqual(
      files.map(({ fileName }) => fileName),
      ['toaster.swu'],
    )
  })

  test('fact 12: isDeployable is legal; children must have false; nesting is one level; the parent may come first', async () => {
    const child = publishUpdate(source, { isDeployable: false })
    const parent = publishUpdate(source, { files: [], references: [child.updateId] })
    const operation = await succeeded(parent.input, child.input)
    assert.deepEqual(operation.update?.updateId, parent.updateId)
    assert.equal((await client.getUpdate(child.updateId)).isDeployable, false)
    assert.equal((await client.getUpdate(parent.updateId)).isDeployable, true)
    assert.deepEqual((await client.getUpdate(child.updateId)).referencedBy, [parent.updateId])

    const codesOf = async (...inputs: ImportUpdateInput[]) => JSON.stringify(await failed(...inputs))
    const deployable = publishUpdate(source, { isDeployable: true })
    const itsParent = publishUpdate(source, { files: [], references: [deployable.updateId] })
    assert.match(await codesOf(itsParent.input, deployable.input), /ReferenceDeployable/)
    const middle = publishUpdate(source, { files: [], references: [child.updateId], isDeployable: false })
    const top = publishUpdate(source, { files: [], references: [middle.updateId] })
    assert.match(await codesOf(top.input, middle.input), /ReferenceNested/)
    assert.match(await codesOf(publishUpdate(source, { references: [toaster('9.9')] }).input), /ReferenceNotFound/)
  })

  test('fact 14: up to ten files, and none where a manifest of 4.0 or later only has references', async () => {
    const files = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ name: `file${i}.bin`, bytes: Buffer.from(`file ${i}`) }))
    const { updateId, input } = publishUpdate(source, { files: files(10) })
    await succeeded(input)
    assert.equal((await Array.fromAsync(client.listFiles(updateId))).length, 10)
    assert.match(JSON.stringify(await failed(publishUpdate(source, { files: files(11) }).input)), /CountWrong/)

    const child = publishUpdate(source, { isDeployable: false })
    const parent = publishUpdate(source, { files: [], references: [child.updateId], changes: { '/files': null } })
    await succeeded(child.input, parent.input)
    assert.deepEqual(await Array.fromAsync(client.listFiles(parent.updateId)), [])
  })

  test('fact 14: manifest 2.0 needs every member', async () => {
    const payload = Buffer.from('payload of 2.0')
    const manifest = changed(validManifest('2.0'), {
      '/updateId/provider': 'Preview',
      '/files/0/sizeInBytes': payload.byteLength,
      '/files/0/hashes/sha256': sha256Of(payload),
    })
    const files = [{ name: 'toaster.swu', bytes: payload }]
    for (const member of ['updateType', 'installedCriteria', 'compatibility', 'files', 'createdDateTime']) {
      const manifestBytes = bytesOf(changed(manifest, { [`/${member}`]: undefined }))
      const error = await failed(publishUpdate(source, { files, manifestBytes }).input)
      assert.deepEqual(
        error.details?.map(({ code }) => code),
        ['MemberMissing'],
      )
      assert.match(error.details?.[0]?.message ?? '', new RegExp(`"${member}"`))
    }
    await succeeded(publishUpdate(source, { files, manifestBytes: bytesOf(manifest) }).input)
  })

  test('fact 14: a byte order mark counts in size and hash and harms nothing; leading zeros of versions are dropped', async () => {
    const { input, manifestBytes, updateId } = publishUpdate(source, { version: '01.002.0' })
    const withMark = Buffer.concat([Buffer.from('\ufeff'), manifestBytes])
    input.importManifest = {
      url: source.at('/with-mark', serveBytes(withMark)).href,
      sizeInBytes: withMark.byteLength,
      hashes: { sha256: createHash('sha256').update(withMark).digest('base64') },
    }
    const operation = await succeeded(input)
    assert.equal(operation.update?.updateId.version, '1.2.0')
    assert.deepEqual(await Array.fromAsync(client.listVersions(updateId)), ['1.2.0'])
    assert.equal((await client.getUpdate(updateId)).updateId.version, '1.2.0')
  })
})
