// The true client of Azure for Python, unchanged, against a real server: every method of the import side, and what it makes of errors.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Operation, Update, UpdateFile } from '../../src/client/api-types.ts'
import { type MisbehavingSource, serveOtherBytes, startSource } from '../support/misbehaving-source.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { noPythonAzure, type Outcome, type PythonAzure, startPythonAzure } from '../support/python-azure.ts'
import { type ForClients, MANY, MANY_ID, MANY_VERSIONS, startForClients } from './start-for-clients.ts'

const MANY_OF = [MANY_ID.provider, MANY_ID.name]

describe('azure-iot-deviceupdate for Python', { skip: noPythonAzure }, () => {
  let source: MisbehavingSource
  let server: ForClients
  let python: PythonAzure
  /** What the tests read that change nothing. */
  let common: Awaited<ReturnType<typeof imported>>
  before(async () => {
    source = await startSource()
    server = await startForClients()
    python = await startPythonAzure(server)
    common = await imported()
  })
  after(async () => {
    await python?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  /** The result of a call that must succeed. */
  async function resultOf<T>(...call: Parameters<PythonAzure['call']>): Promise<T> {
    const outcome = await python.call<T>(...call)
    if (outcome.error !== undefined) assert.fail(`${call[0]}: ${outcome.error}: ${outcome.message}`)
    return outcome.result
  }

  /** What a call that must fail raises. */
  async function errorOf(...call: Parameters<PythonAzure['call']>) {
    const outcome: Outcome = await python.call(...call)
    if (outcome.error === undefined) assert.fail(`${call[0]} succeeded: ${JSON.stringify(outcome.result)}`)
    return outcome
  }

  /** Publishes, and imports as the official sample does: with `fileName`. */
  async function imported() {
    const { input, updateId } = publishUpdate(source)
    const files = input.files?.map(({ filename, url }) => ({ fileName: filename, url }))
    const args = [updateId.provider, updateId.name, updateId.version]
    const outcome = await python.call<Update>('begin_import_update', [[{ ...input, files }]])
    if (outcome.error !== undefined) assert.fail(outcome.message)
    return { update: outcome.result, scopes: outcome.scopes, input, updateId, args }
  }

  test('it is the client that was generally available', (context) => {
    context.diagnostic(`azure-iot-deviceupdate ${python.versions.client}, azure-core ${python.versions.core}`)
    assert.match(python.versions.client, /^1\./)
  })

  test('begin_import_update waits for the operation and brings the update from its resourceLocation', async () => {
    const { update, updateId, scopes, args } = common
    assert.deepEqual(update.updateId, updateId)
    assert.deepEqual(scopes, ['https://api.adu.microsoft.com/.default'])
    assert.deepEqual(await resultOf<Update>('get_update', args), update)
  })

  test('the lists have it, and search and filter choose', async () => {
    const { updateId, args } = common
    const { provider, name, version } = updateId
    assert.ok((await resultOf<string[]>('list_providers')).includes(provider))
    assert.deepEqual(await resultOf('list_names', [provider]), [name])
    assert.deepEqual(await resultOf('list_versions', [provider, name]), [version])
    const none = { kwargs: { filter: 'isDeployable eq false' } }
    assert.deepEqual(await resultOf('list_versions', [provider, name], none), [])
    const found = await resultOf<Update[]>('list_updates', [], {
      kwargs: { search: provider, filter: 'isDeployable eq true' },
    })
    assert.deepEqual(
      found.map((update) => update.updateId),
      [updateId],
    )
    const [fileId, ...others] = await resultOf<string[]>('list_files', args)
    assert.deepEqual(others, [])
    const file = await resultOf<UpdateFile>('get_file', [...args, fileId])
    assert.equal(file.fileId, fileId)
    assert.equal(file.fileName, 'toaster.swu')
  })

  test('what has not changed it takes for an error, as with Azure', async () => {
    const { update, args } = common
    const [fileId] = await resultOf<string[]>('list_files', args)
    const file = await resultOf<UpdateFile>('get_file', [...args, fileId])
    for (const outcome of [
      await errorOf('get_update', args, { kwargs: { if_none_match: update.etag } }),
      await errorOf('get_file', [...args, fileId], { kwargs: { if_none_match: file.etag } }),
    ]) {
      assert.equal(outcome.error, 'HttpResponseError')
      assert.equal(outcome.status, 304)
      assert.match(outcome.message, /Not Modified/)
    }
    const changed = await resultOf<Update>('get_update', args, { kwargs: { if_none_match: '"another"' } })
    assert.equal(changed.etag, update.etag)
  })

  test('operations are listed and read', async () => {
    const { updateId } = common
    const operations = await resultOf<Operation[]>('list_operation_statuses')
    const operation = operations.find(({ update }) => update?.updateId.provider === updateId.provider)
    assert.equal(operation?.status, 'Succeeded')
    const args = [operation?.operationId]
    assert.deepEqual(await resultOf('get_operation_status', args), operation)
    const unchanged = await errorOf('get_operation_status', args, { kwargs: { if_none_match: operation?.etag } })
    assert.equal(unchanged.status, 304)
    assert.equal((await resultOf<Operation[]>('list_operation_statuses', [], { kwargs: { top: 1 } })).length, 1)
    const inProgress = { kwargs: { filter: "status eq 'NotStarted' or status eq 'Running'" } }
    assert.deepEqual(await resultOf('list_operation_statuses', [], inProgress), [])
  })

  test('a failed import raises what happened, down to the inner code', async () => {
    const bytes = Buffer.from('what was promised')
    const { input } = publishUpdate(source, { files: [{ name: 'a', bytes, behaviour: serveOtherBytes(bytes) }] })
    const { error, message } = await errorOf('begin_import_update', [[input]])
    assert.equal(error, 'HttpResponseError')
    assert.match(message, /^\(CannotProcessUpdateFile\) Error processing source file\./)
    assert.match(message, /Inner error: {/)
    assert.match(message, /ContentFileCannotDownload/)
  })

  test('an import once more raises, and so does a body that is none', async () => {
    const { input } = common
    const again = await errorOf('begin_import_update', [[input]])
    assert.equal(again.error, 'HttpResponseError')
    assert.match(again.message, /^\(UpdateAlreadyExists\)/)
    const none = await errorOf('begin_import_update', [[{ files: [] }]])
    assert.equal(none.status, 400)
    assert.match(none.message, /^\(InvalidRequest\)/)
  })

  test('begin_delete_update waits, answers nothing, and does not look for what is gone', async () => {
    const { args } = await imported()
    assert.equal(await resultOf('begin_delete_update', args), null)
    assert.equal((await errorOf('get_update', args)).error, 'ResourceNotFoundError')
  })

  test('what is not there is not found', async () => {
    const calls: [string, string[]][] = [
      ['get_update', ['No', 'Such', '1.0']],
      ['begin_delete_update', ['No', 'Such', '1.0']],
      ['list_names', ['No']],
      ['list_versions', ['No', 'Such']],
      ['list_files', ['No', 'Such', '1.0']],
      ['get_file', ['No', 'Such', '1.0', 'f0']],
      ['get_operation_status', ['00000000-0000-4000-8000-000000000000']],
    ]
    for (const [method, args] of calls) {
      const { error, status, message } = await errorOf(method, args)
      assert.deepEqual([error, status], ['ResourceNotFoundError', 404], method)
      assert.match(message, /^\(NotFound\) /, method)
    }
    const nowhere = await errorOf('list_providers', [], { instance: 'nowhere' })
    assert.equal(nowhere.error, 'ResourceNotFoundError')
  })

  test('who may not is told so', async () => {
    const reader = await server.aduana.token('--role', 'Device Update Reader', '--instance', 'default')
    const { args } = common
    assert.equal((await errorOf('begin_delete_update', args, { token: reader })).status, 403)
    const forged = await errorOf('get_update', args, { token: 'forged' })
    assert.deepEqual([forged.error, forged.status], ['ClientAuthenticationError', 401])
  })

  test('lists of several pages come whole, through links that it writes anew', async () => {
    const many = { instance: 'many' }
    assert.deepEqual(await resultOf('list_versions', MANY_OF, many), MANY_VERSIONS)
    assert.equal((await resultOf<Operation[]>('list_operation_statuses', [], many)).length, MANY)
    const kwargs = { search: 'toaster many', filter: 'isDeployable eq true' }
    const updates = await resultOf<Update[]>('list_updates', [], { ...many, kwargs })
    assert.deepEqual(
      updates.map(({ updateId }) => updateId.version),
      MANY_VERSIONS,
    )
  })
})
