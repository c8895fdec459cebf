import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppInMemory, startAppInMemory } from '../../tests/support/app-in-memory.ts'
import { COMPONENTS } from './documents.ts'

interface Operation {
  operationId: string
  summary: string
  tags: string[]
  security?: object[]
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: object }[]
  requestBody?: { required: boolean; content: Record<string, { schema: { type: string } }> }
  responses: Record<string, { description: string; headers?: object; content?: Record<string, { schema: object }> }>
}

interface OpenApi {
  openapi: string
  info: { title: string; version: string }
  servers: { url: string }[]
  tags: { name: string }[]
  security: Record<string, string[]>[]
  components: { schemas: Record<string, object>; securitySchemes: Record<string, { type: string; flows?: object }> }
  paths: Record<string, Record<string, Operation>>
}

const UPDATE = '/updates/providers/{provider}/names/{name}/versions/{version}'

/** Every operation of the published specification, and what it is called there. */
const PUBLISHED: [method: string, path: string, name: string, success: string][] = [
  ['delete', UPDATE, 'DeleteUpdate', '202'],
  ['get', UPDATE, 'GetUpdate', '200 304'],
  ['get', `${UPDATE}/files/{fileId}`, 'GetFile', '200 304'],
  ['get', '/updates/operations/{operationId}', 'GetOperationStatus', '200 304'],
  ['get', '/updates/providers', 'ListProviders', '200'],
  ['get', '/updates/providers/{provider}/names', 'ListNames', '200'],
  ['get', '/updates/providers/{provider}/names/{name}/versions', 'ListVersions', '200'],
  ['get', `${UPDATE}/files`, 'ListFiles', '200'],
  ['get', '/updates/operations', 'ListOperationStatuses', '200'],
  ['get', '/updates', 'ListUpdates', '200'],
]

const ROUTES: typeof PUBLISHED = [
  ['post', '/deviceUpdate/{instanceId}/updates:import', 'DeviceUpdate_ImportUpdate', '202'],
  ['post', '/deviceUpdate/{instanceId}/updates', 'DeviceUpdate_ImportUpdateByAction', '202'],
  ['post', '/deviceUpdate/{instanceId}/v2/updates', 'Updates_ImportUpdate', '202'],
  ['post', '/deviceUpdate/{instanceId}/v2/updates:import', 'Updates_ImportUpdateByVerb', '202'],
  ...(['DeviceUpdate', 'Updates'] as const).flatMap((group) =>
    PUBLISHED.map(([method, path, name, success]): (typeof PUBLISHED)[number] => [
      method,
      `/deviceUpdate/{instanceId}${group === 'Updates' ? '/v2' : ''}${path}`,
      `${group}_${name}`,
      success,
    ]),
  ),
  ['get', `/aduana/v1/{instanceId}${UPDATE}`, 'Aduana_GetUpdate', '200'],
  ['get', `/aduana/v1/{instanceId}${UPDATE}/manifest`, 'Aduana_GetImportManifest', '200'],
  ['get', '/aduana/v1/{instanceId}/operations', 'Aduana_ListOperations', '200'],
  ['get', '/aduana/v1/{instanceId}/operations/{operationId}', 'Aduana_GetOperation', '200'],
  ['get', '/aduana/v1/{instanceId}/operations/{operationId}/events', 'Aduana_WatchOperation', '200'],
  ['post', '/aduana/v1/{instanceId}/updates:check', 'Aduana_CheckUpdate', '202'],
  ['get', '/aduana/v1/{instanceId}/events', 'Aduana_WatchEvents', '200'],
  ['get', '/aduana/v1/{instanceId}/webhooks', 'Webhooks_List', '200'],
  ['put', '/aduana/v1/{instanceId}/webhooks/{webhook}', 'Webhooks_Set', '200'],
  ['get', '/aduana/v1/{instanceId}/webhooks/{webhook}', 'Webhooks_Get', '200'],
  ['delete', '/aduana/v1/{instanceId}/webhooks/{webhook}', 'Webhooks_Delete', '204'],
  ['get', '/aduana/v1/{instanceId}/webhooks/{webhook}/failures', 'Webhooks_ListFailures', '200'],
  ['post', '/aduana/v1/{instanceId}/webhooks/{webhook}/failures/{eventId}:retry', 'Webhooks_Retry', '204'],
  ['post', '/aduana/v1/{instanceId}/rescan', 'Aduana_Rescan', '202'],
  ['get', '/aduana/v1/{instanceId}/rescan', 'Aduana_GetRescan', '200'],
  ['get', '/aduana/v1/{instanceId}/distribution', 'Aduana_GetDistribution', '200'],
  ['get', '/aduana/v1/{instanceId}/usage', 'Aduana_GetUsage', '200'],
  ['get', '/aduana/v1/{instanceId}/audit', 'Aduana_ListAudit', '200'],
  ['get', '/aduana/v1/instances', 'Aduana_ListInstances', '200'],
  ['get', '/aduana/v1/login', 'Aduana_GetSignIn', '200'],
  ['options', '/aduana/v1/{instanceId}/staging', 'Staging_Options', '204'],
  ['get', '/aduana/v1/{instanceId}/staging', 'Staging_List', '200'],
  ['post', '/aduana/v1/{instanceId}/staging', 'Staging_Create', '201'],
  ['head', '/aduana/v1/{instanceId}/staging/{uploadId}', 'Staging_Get-head', '200'],
  ['patch', '/aduana/v1/{instanceId}/staging/{uploadId}', 'Staging_Append', '204'],
  ['delete', '/aduana/v1/{instanceId}/staging/{uploadId}', 'Staging_Delete', '204'],
  ['post', '/aduana/v1/login', 'Aduana_Login', '200'],
  ['get', '/content/{contentId}/{fileName}', 'Content_Get', '200 206 304'],
  ['get', '/healthz', 'Health_IsAlive', '200'],
  ['get', '/readyz', 'Health_IsReady', '200'],
]

const QUERY_OPTIONS: [operationId: RegExp, names: string[]][] = [
  [/^(DeviceUpdate_ImportUpdateByAction|Updates_ImportUpdate)$/, ['action']],
  [/_CheckUpdate$/, ['deep']],
  [/_ListUpdates$/, ['search', 'filter']],
  [/_ListVersions$/, ['filter']],
  [/_ListOperationStatuses$/, ['filter', 'top']],
  [/^Aduana_ListOperations$/, ['status', 'kind', 'top']],
  [/^Aduana_ListAudit$/, ['operation', 'target']],
]

describe('the description of the API', () => {
  let app: AppInMemory
  let openApi: OpenApi
  let operations: { method: string; path: string; operation: Operation }[]
  before(async () => {
    app = await startAppInMemory()
    const answer = await app.ask('/openapi.json', { role: '' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    openApi = answer.json<OpenApi>()
    operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
    )
  })
  after(() => app[Symbol.asyncDispose]())

  test('is an OpenAPI 3.1 document that says whose it is and where', () => {
    assert.match(openApi.openapi, /^3\.1\.\d+$/)
    assert.deepEqual([openApi.info.title, openApi.info.version], ['Aduana', '0.0.0'])
    assert.deepEqual(openApi.servers, [{ url: '/' }])
  })

  test('names the public address where there is one', async () => {
    await using other = await startAppInMemory({ publicUrl: 'https://updates.contoso.com' })
    assert.deepEqual((await other.ask('/openapi.json')).json<OpenApi>().servers, [
      { url: 'https://updates.contoso.com' },
    ])
  })

  test('has every route, with the id and the successes of the specification, and no other', () => {
    const described = operations.map(({ method, path, operation }) => [
      method,
      path,
      operation.operationId,
      Object.keys(operation.responses)
        .filter((status) => status !== 'default')
        .join(' '),
    ])
    assert.deepEqual(described.map(String).sort(), ROUTES.map(String).sort())
    assert.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length)
  })

  test('says of each operation in words what it does, answers and refuses', () => {
    const tags = new Set(openApi.tags.map(({ name }) => name))
    for (const { operation, path } of operations) {
      assert.ok(operation.summary, path)
      assert.equal(operation.tags.length, 1, path)
      assert.ok(
        operation.tags.every((tag) => tags.has(tag)),
        path,
      )
      assert.ok(Object.values(operation.responses).every(({ description }) => description.length > 3))
      assert.deepEqual(operation.responses.default?.content, {
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      })
    }
  })

  test('says of each parameter in a path what it is, and names no other', () => {
    for (const { operation, path } of operations) {
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      assert.deepEqual(
        inPath.map(({ name }) => name).sort(),
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort(),
        path,
      )
      for (const { name, required, description } of inPath) assert.ok(required && description, `${name} in ${path}`)
    }
  })

  test('has api-version wherever it counts, and the other query options under their names of 2022-10-01', () => {
    for (const { operation, path } of operations) {
      const names = (operation.parameters ?? []).filter((p) => p.in === 'query').map(({ name }) => name)
      assert.equal(names.includes('api-version'), /^\/deviceUpdate\/\{instanceId\}\/updates/.test(path), path)
      const others = names.filter((name) => name !== 'api-version')
      const expected = QUERY_OPTIONS.find(([id]) => id.test(operation.operationId))?.[1] ?? []
      assert.deepEqual(others, expected, operation.operationId)
    }
  })

  test('asks for a list at the newer addresses and for an object at /v2', () => {
    const imports = operations.filter(({ method, path }) => method === 'post' && path.includes('/updates'))
    assert.equal(imports.length, 5)
    for (const { operation, path } of imports) {
      const { required, content } = operation.requestBody ?? {}
      assert.equal(required, true)
      assert.equal(content?.['application/json']?.schema.type, path.includes('/v2/') ? 'object' : 'array')
    }
  })

  test('has the schemas as components, and every reference leads to one', () => {
    const names = COMPONENTS.map((schema) => (schema as { $id?: string }).$id)
    assert.deepEqual(Object.keys(openApi.components.schemas).sort(), names.sort())
    const references = [...JSON.stringify(openApi).matchAll(/"\$ref":"([^"]*)"/g)].map(([, target = '']) => target)
    assert.ok(references.length > 50)
    for (const target of new Set(references)) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(target)?.[1]
      assert.ok(name !== undefined && name in openApi.components.schemas, target)
    }
    const unused = names.filter((name) => !references.includes(`#/components/schemas/${name}`))
    assert.deepEqual(unused, [])
  })

  test('says where a token is needed, and of what kind', () => {
    assert.deepEqual(openApi.security, [{ bearer: [] }])
    assert.deepEqual(Object.keys(openApi.components.securitySchemes), ['bearer'])
    for (const { operation, path } of operations) {
      const isOpen = /^\/(content|healthz|readyz|aduana\/v1\/login)/.test(path)
      assert.deepEqual(operation.security, isOpen ? [] : undefined, path)
    }
  })

  test('has the flows and scopes of an issuer that is not our own', async () => {
    const authorizationUrl = 'https://login.contoso.com/authorize'
    const tokenUrl = 'https://login.contoso.com/token'
    await using other = await startAppInMemory({
      issuer: { audience: 'https://api.adu.microsoft.com', oauth: { authorizationUrl, tokenUrl } },
    })
    const { security, components } = (await other.ask('/openapi.json')).json<OpenApi>()
    const delegated = { 'https://api.adu.microsoft.com/user_impersonation': 'act for the signed-in user' }
    const application = { 'https://api.adu.microsoft.com/.default': 'act as an application' }
    assert.deepEqual(security, [{ bearer: [] }, { oauth2: [] }])
    assert.deepEqual(components.securitySchemes.oauth2?.flows, {
      implicit: { authorizationUrl, scopes: delegated },
      authorizationCode: { authorizationUrl, tokenUrl, scopes: delegated },
      clientCredentials: { tokenUrl, scopes: application },
      password: { tokenUrl, scopes: delegated },
    })
  })

  test('is shown to people at /docs, with all that the page needs', async () => {
    const page = await app.ask('/docs/', { role: '' })
    assert.equal(page.status, 200)
    assert.match(page.headers['content-type'] ?? '', /^text\/html/)
    const needed = [...page.text.matchAll(/(?:src|href)="\.?([^"]+)"/g)].map(([, path = '']) => path)
    assert.ok(needed.length >= 5, page.text)
    for (const path of needed) {
      const answer = await app.ask(path.startsWith('/docs') ? path : `/docs${path}`, { role: '' })
      assert.equal(answer.status, 200, path)
    }
    // A browser would ask for those by https, also where the page came over http.
    assert.doesNotMatch(String(page.headers['content-security-policy']), /upgrade-insecure-requests/)
  })
})
