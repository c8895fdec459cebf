import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

/** A real OIDC issuer on loopback at which a browser signs in by authorization code with PKCE. Nobody is asked for a password. */
export interface BrowserIssuer extends AsyncDisposable {
  url: string
  clientId: string
  /** Where the public client may come back to; told once the server under test has its address. */
  redirectUri: string
  /** Roles of whoever signs in next. */
  roles: string[]
  /** Whether whoever comes is signed in, or sent back refused. */
  isWilling: boolean
  /** Grants at the token endpoint so far, such as `refresh_token`. */
  grants: readonly string[]
}

/** Sign-in without a question: what a user would do there is not what is tested. */
interface Interactive {
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>
  on(event: 'grant.success', listener: (context: { oidc: { params: { grant_type: string } } }) => void): void
  Grant: new (
    facts: object,
  ) => {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }
}

export async function startBrowserIssuer({
  audience,
  tokenSeconds,
}: {
  audience: string
  tokenSeconds: number
}): Promise<BrowserIssuer> {
  const clientId = 'portal'
  const grants: string[] = []
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const resource = { scope: 'user_impersonation', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }

  const issuer: BrowserIssuer = {
    url,
    clientId,
    redirectUri: 'http://127.0.0.1:9/',
    roles: ['DeviceUpdateAdministrator'],
    isWilling: true,
    grants,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }

  const memory = new Map<string, object>()
  const provider = new Provider(url, {
    adapter: (model: string) => ({
      async find(id: string) {
        return model === 'Client' && id === clientId ? client() : memory.get(`${model} ${id}`)
      },
      async findByUid(uid: string) {
        return [...memory].find(
          ([key, entry]) => key.startsWith(`${model} `) && (entry as { uid?: string }).uid === uid,
        )?.[1]
      },
      async upsert(id: string, payload: object) {
        memory.set(`${model} ${id}`, payload)
      },
      async consume(id: string) {
        Object.assign(memory.get(`${model} ${id}`) ?? {}, { consumed: true })
      },
      async destroy(id: string) {
        memory.delete(`${model} ${id}`)
      },
      async revokeByGrantId() {},
    }),
    clientBasedCORS: () => true,
    cookies: { keys: [randomUUID()] },
    extraTokenClaims: () => ({ roles: issuer.roles }),
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => resource,
      },
    },
    findAccount: (_context: unknown, subject: string) => ({ accountId: subject, claims: () => ({ sub: subject }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    async loadExistingGrant({ oidc }: { oidc: { session: { accountId: string } } }) {
      const grant = new interactive.Grant({ clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope('openid profile offline_access')
      grant.addResourceScope(audience, resource.scope)
      await grant.save()
      return grant
    },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: randomUUID() }] },
    ttl: { AccessToken: tokenSeconds, RefreshToken: 600, Session: 600, Grant: 600, IdToken: 600, Interaction: 60 },
  })
  const interactive = provider as unknown as Interactive
  interactive.on('grant.success', ({ oidc }) => grants.push(oidc.params.grant_type))
  const handle = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/interaction/')) {
      const refusal = { error: 'access_denied', error_description: 'Not today.' }
      const result = issuer.isWilling ? { login: { accountId: 'ana' } } : refusal
      void interactive.interactionFinished(request, response, result)
    } else handle(request, response)
  })

  function client() {
    return {
      client_id: clientId,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [issuer.redirectUri],
    }
  }
  return issuer
}
