// The client of Azure for JavaScript against a real server. The package itself is not in every registry; what it is made of is.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { type Client, createRestError, type PathUncheckedResponse } from '@azure-rest/core-client'
import type { Operation, Update, UpdateFile } from '../../src/client/api-types.ts'
import { type MisbehavingSource, serveOtherBytes, startSource } from '../support/misbehaving-source.ts'
import { publishUpdate, type UpdateRecipe } from '../support/publish-update.ts'
import { createDeviceUpdateClient, getLongRunningPoller, paginate, SCOPE } from './rest-client.ts'
import { type ForClients, MANY, MANY_ID, MANY_VERSIONS, startForClients } from './start-for-clients.ts'

const UPDATES = '/deviceUpdate/{instanceId}/updates'
const UPDATE = `${UPDATES}/providers/{provider}/names/{name}/versions/{version}`

let source: MisbehavingSource
let server: ForClients
let ca = ''
before(async () => {
  source = await startSource()
  server = await startForClients()
  ca = await readFile(server.ca, 'utf8')
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

interface Sent {
  method: string
  /** Path and query. */
  url: string
}

/** A client, what it sent, and what it asked for tokens with. */
function open({ apiVersion, token = server.token }: { apiVersion?: string; token?: string } = {}) {
  const scopes: (string | string[])[] = []
  const sent: Sent[] = []
  const credential = {
    async getToken(asked: string | string[]) {
      scopes.push(asked)
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 }
    },
  }
  const client = createDeviceUpdateClient(server.endpoint, credential, {
    tlsOptions: { ca },
    ...(apiVersion !== undefined && { apiVersion }),
  })
  client.pipeline.addPolicy({
    name: 'notes what goes over the wire',
    async sendRequest(request, next) {
      const { pathname, search } = new URL(request.url)
      sent.push({ method: request.method, url: pathname + search })
      return next(request)
    },
  })
  return { client, sent, scopes }
}

function importUpdate(client: Client, body: unknown): Promise<PathUncheckedResponse> {
  return Promise.resolve(client.pathUnchecked(`${UPDATES}:import`, 'default').post({ body }))
}

async function imported(client: Client, recipe: UpdateRecipe = {}) {
  const { input, updateId } = publishUpdate(source, recipe)
  const initial = await importUpdate(client, [input])
  assert.equal(initial.status, '202')
  const result = await getLongRunningPoller(client, initial).pollUntilDone()
  const args = ['default', updateId.provider, updateId.name, updateId.version] as const
  return { result, input, updateId, args }
}

// That of 1.x, and that of the one which is written anew.
for (const apiVersion of ['2022-10-01', '2026-06-01']) {
  describe(`the client of Azure for JavaScript with ${apiVersion}`, { concurrency: true }, () => {
    test('an import is polled at its operation-location, and its result is what lies at the resourceLocation', async () => {
      const { client, sent, scopes } = open({ apiVersion })
      const { result, updateId } = await imported(client)
      assert.equal(result.status, '200')
      assert.deepEqual((result.body as Update).updateId, updateId)
      assert.deepEqual(scopes.flat(), [SCOPE])
      const [post, ...polls] = sent
      const last = polls.pop()
      assert.deepEqual(post, { method: 'POST', url: `/deviceUpdate/default/updates:import?api-version=${apiVersion}` })
      assert.ok(polls.length > 0)
      for (const { method, url } of polls) {
        assert.equal(method, 'GET')
        assert.match(url, /^\/deviceUpdate\/default\/updates\/operations\/[0-9a-f-]{36}\?api-version=/)
      }
      const { provider, name, version } = updateId
      assert.deepEqual(last, {
        method: 'GET',
        url: `/deviceUpdate/default/updates/providers/${provider}/names/${name}/versions/${version}?api-version=${apiVersion}`,
      })
    })

    test('a deletion is polled as well, and its result is no 404', async () => {
      const { client, sent } = open({ apiVersion })
      const { args } = await imported(client)
      sent.length = 0
      const initial = await client.pathUnchecked(UPDATE, ...args).delete()
      assert.equal(initial.status, '202')
      const result = await getLongRunningPoller(client, initial).pollUntilDone()
      assert.equal(result.status, '200')
      assert.equal((result.body as Operation).status, 'Succeeded')
      assert.ok(
        sent.slice(1).every(({ url }) => url.includes('/updates/operations/')),
        JSON.stringify(sent),
      )
      assert.equal((await client.pathUnchecked(UPDATE, ...args).get()).status, '404')
    })

    test('a failed import throws with every inner code, or resolves with the operation where that is wished', async () => {
      const { client } = open({ apiVersion })
      const bytes = Buffer.from('what was promised')
      const { input } = publishUpdate(source, { files: [{ name: 'a', bytes, behaviour: serveOtherBytes(bytes) }] })
      const failing = getLongRunningPoller(client, await importUpdate(client, [input])).pollUntilDone()
      await assert.rejects(failing, (error: Error) => {
        assert.match(error.message, /^The long-running operation has failed\..*ContentFileCannotDownload\./)
        return true
      })
      const resolving = getLongRunningPoller(client, await importUpdate(client, [input]), {
        resolveOnUnsuccessful: true,
      })
      const result = await resolving.pollUntilDone()
      assert.equal(result.status, '200')
      assert.equal((result.body as Operation).status, 'Failed')
    })

    test('updates and files are read, and a tag that fits is answered with 304', async () => {
      const { client } = open({ apiVersion })
      const { result, args } = await imported(client)
      const { etag = '' } = result.body as Update
      const headers = { 'if-none-match': etag }
      assert.equal((await client.pathUnchecked(UPDATE, ...args).get({ headers })).status, '304')
      const fileIds = await Array.fromAsync(
        paginate<string>(client, await client.pathUnchecked(`${UPDATE}/files`, ...args).get()),
      )
      assert.equal(fileIds.length, 1)
      const [fileId = ''] = fileIds
      const file = await client.pathUnchecked(`${UPDATE}/files/{fileId}`, ...args, fileId).get()
      assert.equal((file.body as UpdateFile).fileName, 'toaster.swu')
    })

    test('lists of several pages come whole', async () => {
      const { client, sent } = open({ apiVersion })
      const { provider, name } = MANY_ID
      const versions = client.pathUnchecked(
        `${UPDATES}/providers/{provider}/names/{name}/versions`,
        'many',
        provider,
        name,
      )
      assert.deepEqual(await Array.fromAsync(paginate<string>(client, await versions.get())), MANY_VERSIONS)
      assert.equal(sent.length, 3)
      const queryParameters = { search: 'toaster many', filter: 'isDeployable eq true' }
      const updates = await client.pathUnchecked(UPDATES, 'many').get({ queryParameters })
      assert.equal((await Array.fromAsync(paginate<Update>(client, updates))).length, MANY)
      const operations = await client
        .pathUnchecked(`${UPDATES}/operations`, 'many')
        .get({ queryParameters: { top: 150 } })
      assert.equal((await Array.fromAsync(paginate<Operation>(client, operations))).length, 150)
      const providers = await client.pathUnchecked(`${UPDATES}/providers`, 'many').get()
      assert.deepEqual(await Array.fromAsync(paginate<string>(client, providers)), [provider])
      const names = await client.pathUnchecked(`${UPDATES}/providers/{provider}/names`, 'many', provider).get()
      assert.deepEqual(await Array.fromAsync(paginate<string>(client, names)), [name])
    })

    test('every refusal has code and message where it looks for them', async () => {
      const { client } = open({ apiVersion })
      const refusals: [string, PathUncheckedResponse][] = [
        ['NotFound', await client.pathUnchecked(UPDATE, 'default', 'No', 'Such', '1.0').get()],
        ['NotFound', await client.pathUnchecked(UPDATES, 'nowhere').get()],
        ['InvalidRequest', await importUpdate(client, [{}])],
        ['Unauthenticated', await open({ apiVersion, token: 'forged' }).client.pathUnchecked(UPDATES, 'default').get()],
        ['NotImplemented', await client.pathUnchecked('/deviceUpdate/{instanceId}/management/groups', 'default').get()],
      ]
      for (const [code, response] of refusals) {
        const error = createRestError(response)
        assert.equal(error.code, code)
        assert.equal(error.message, (response.body as { error: { message: string } }).error.message)
      }
    })
  })
}

test('over plain http the core library sends no token, so https is needed', async () => {
  const client = createDeviceUpdateClient('unused', { getToken: () => assert.fail('it was asked for a token') })
  const insecure = client.pathUnchecked(`${server.aduana.httpUrl}${UPDATES}`, 'default').get({
    allowInsecureConnection: true,
  })
  await assert.rejects(Promise.resolve(insecure), /Bearer token authentication is not permitted for non-TLS/)
})
