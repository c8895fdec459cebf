// An issuer of somebody else, from its discovery to an import: the real program and a real issuer.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createApiClient } from '../../src/client/api-client.ts'
import { type MisbehavingSource, startSource } from '../support/misbehaving-source.ts'
import { type RunningOidcIssuer, startOidcIssuer } from '../support/oidc-issuer.ts'
import { eventually, importAndWait } from '../support/operation-end.ts'
import { publishUpdate } from '../support/publish-update.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

const AUDIENCE = 'https://api.adu.microsoft.com'

interface OpenApi {
  security: object[]
  components: { securitySchemes: { bearer: object; oauth2?: { flows: object } } }
}

describe('a server that trusts an OIDC issuer', () => {
  let folder: string
  let issuer: RunningOidcIssuer
  let source: MisbehavingSource
  let flags: string[]
  let aduana: Aduana
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aduana-oidc-'))
    issuer = await startOidcIssuer({ audience: AUDIENCE })
    source = await startSource()
    const assignments = join(folder, 'assignments.json')
    const assigned = { role: 'Device Update Content Administrator', instances: ['blue'], applications: ['ci'] }
    await writeFile(assignments, JSON.stringify({ assignments: [assigned] }))
    flags = ['--allow-source', '127.0.0.0/8', '--instance', 'blue', '--instance', 'green']
    flags.push('--oidc-issuer', issuer.url, '--oidc-audience', AUDIENCE, '--assignments', assignments)
    flags.push('--oidc-client-id', 'people', '--oidc-scope', 'openid user_impersonation')
    aduana = await startAduana({ flags, inFolder: true })
  })
  after(async () => {
    await aduana?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
    await issuer?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const providers = (token: string, { instance = 'blue', server = aduana } = {}) =>
    fetch(`${server.httpUrl}/deviceUpdate/${instance}/updates/providers?api-version=2022-10-01`, {
      headers: { authorization: `Bearer ${token}` },
    })

  test('an application imports with a token of its own, in the instance that it has a role in', async () => {
    const token = await issuer.token()
    const client = createApiClient({ baseUrl: aduana.httpUrl, token, instance: 'blue', dialect: '2022' })
    const { input, updateId } = publishUpdate(source)
    const operation = await importAndWait(client, [input])
    assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
    assert.deepEqual((await client.getUpdate(updateId)).updateId, updateId)
    assert.equal((await providers(token, { instance: 'green' })).status, 404)
  })

  test('a user who signed in has the roles of the token, and needs the scope', async () => {
    const roles = ['DeviceUpdateReader']
    assert.equal((await providers(await issuer.userToken('ana', { roles }))).status, 200)
    assert.equal((await providers(await issuer.userToken('ana'))).status, 404)
    const refused = await providers(await issuer.userToken('ana', { roles, scp: 'openid' }))
    assert.equal(refused.status, 403)
    assert.match(refused.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/)
  })

  test('the description of the API has the flows of the issuer, with the scopes of the original service', async () => {
    const url = `${aduana.httpUrl}/openapi.json`
    await eventually('the issuer is known', async () => (await (await fetch(url)).text()).includes('oauth2'))
    const { components, security } = (await (await fetch(url)).json()) as OpenApi
    const [authorizationUrl, tokenUrl] = [`${issuer.url}/auth`, `${issuer.url}/token`]
    const delegated = { 'https://api.adu.microsoft.com/user_impersonation': 'act for the signed-in user' }
    const application = { 'https://api.adu.microsoft.com/.default': 'act as an application' }
    assert.deepEqual(components.securitySchemes.oauth2?.flows, {
      implicit: { authorizationUrl, scopes: delegated },
      authorizationCode: { authorizationUrl, tokenUrl, scopes: delegated },
      clientCredentials: { tokenUrl, scopes: application },
      password: { tokenUrl, scopes: delegated },
    })
    assert.deepEqual(security, [{ bearer: [] }, { oauth2: [] }])
  })

  test('anybody is told where to sign in', async () => {
    assert.deepEqual(await (await fetch(`${aduana.httpUrl}/aduana/v1/login`)).json(), {
      localIssuer: false,
      oidc: { issuer: issuer.url, clientId: 'people', scope: 'openid user_impersonation' },
    })
  })

  test('a token of "aduana token" is refused, and accepted once the local issuer is switched on', async () => {
    const local = await aduana.token('--instance', 'blue')
    const refused = await providers(local)
    assert.equal(refused.status, 401)
    assert.match(await refused.text(), /does not trust/)

    await aduana.stop('SIGKILL')
    const both = await startAduana({ flags: [...flags, '--local-issuer', 'on'], folder: aduana.folder })
    try {
      assert.equal((await providers(local, { server: both })).status, 200)
      assert.equal((await providers(await issuer.token(), { server: both })).status, 200)
    } finally {
      await both.stop()
    }
  })
})
