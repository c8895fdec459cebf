import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

const CLIENT = { id: 'ci', secret: 'a secret of no worth' }

/** The public client by which people sign in with a device code. */
export const PEOPLE = 'people'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/** A real OIDC issuer on loopback (the package oidc-provider), which gives out access tokens of RFC 9068 form. */
export interface RunningOidcIssuer extends AsyncDisposable {
  url: string
  /** A token that the client `ci` gets in its own name (client credentials), with further claims. */
  token(claims?: Record<string, unknown>): Promise<string>
  /** A token that the client `ci` holds for a user who signed in. */
  userToken(subject: string, claims?: Record<string, unknown>): Promise<string>
  /**
   * Lets a user sign in by the code that `aduana login` shows, as they would in a browser, with claims for their tokens; or refuses, where
   * there is no user.
   */
  enterCode(userCode: string, user: { subject: string; claims?: Record<string, unknown> } | undefined): Promise<void>
  /** Goes on with a new key in place of the old one. */
  rotateKey(): Promise<void>
  /** The paths asked for so far, `/jwks` among them. */
  requests: readonly string[]
  /** Takes every further request and says nothing. */
  hang(): void
  stop(): Promise<void>
}

/** Starts an issuer whose tokens are for `audience`, signed with `alg`. */
export async function startOidcIssuer({
  audience,
  alg = 'RS256',
  tokenSeconds = 600,
}: {
  audience: string
  alg?: string
  /** How long its tokens are good. */
  tokenSeconds?: number
}): Promise<RunningOidcIssuer> {
  const requests: string[] = []
  let handler: RequestListener = (_request, response) => response.end()
  const server = createServer((request: IncomingMessage, response) => {
    requests.push(request.url ?? '')
    handler(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const resource = { scope: 'user_impersonation', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }
  const kept = new Map<string, Record<string, unknown>>()
  const claimsOf = new Map<string, Record<string, unknown>>()
  let provider = await startProvider()
  handler = provider.callback()

  async function startProvider(): Promise<Provider> {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    const key = { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomUUID() }
    return new Provider(url, {
      // Its own memory comes with a warning.
      adapter: (model: string) => adapterOf(model, kept),
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          grant_types: ['client_credentials'],
          response_types: [],
          redirect_uris: [],
          id_token_signed_response_alg: alg,
        },
        {
          client_id: PEOPLE,
          token_endpoint_auth_method: 'none',
          application_type: 'native',
          grant_types: [DEVICE_CODE, 'refresh_token'],
          response_types: [],
          redirect_uris: [],
          id_token_signed_response_alg: alg,
        },
      ],
      scopes: ['openid', 'offline_access', 'profile', 'user_impersonation'],
      findAccount: (_context: unknown, subject: string) => ({ accountId: subject, claims: () => ({ sub: subject }) }),
      cookies: { keys: [randomUUID()] },
      enabledJWA: { idTokenSigningAlgValues: [alg] },
      // A token that is asked for by HTTP gets its further claims from a header, one that is made here brings them along.
      extraTokenClaims: (context: IncomingMessage | undefined, token: { extra?: object; accountId?: string }) =>
        claimsOf.get(token.accountId ?? '') ??
        (context === undefined ? token.extra : JSON.parse(String(context.headers['x-claims']))),
      features: {
        clientCredentials: { enabled: true },
        deviceFlow: { enabled: true },
        devInteractions: { enabled: false },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => audience,
          getResourceServerInfo: () => resource,
          useGrantedResource: () => true,
        },
      },
      jwks: { keys: [key] },
      ttl: {
        AccessToken: tokenSeconds,
        ClientCredentials: tokenSeconds,
        IdToken: 600,
        DeviceCode: 600,
        RefreshToken: 3600,
        Grant: 3600,
      },
    })
  }

  return {
    url,
    requests,
    async token(claims = {}) {
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`${CLIENT.id}:${encodeURIComponent(CLIENT.secret)}`)}`,
          'x-claims': JSON.stringify(claims),
        },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
      const answer = (await response.json()) as { access_token?: string }
      if (answer.access_token === undefined) throw new Error(`The issuer gave no token: ${JSON.stringify(answer)}`)
      return answer.access_token
    },
    async userToken(subject, claims = {}) {
      const client = await provider.Client.find(CLIENT.id)
      const facts = { accountId: subject, grantId: randomUUID(), gty: 'authorization_code', scope: resource.scope }
      const token = new provider.AccessToken({ ...facts, client, extra: claims })
      token.resourceServer = new provider.ResourceServer(audience, resource)
      return await token.save()
    },
    async enterCode(userCode, user) {
      const code = await provider.DeviceCode.findByUserCode(userCode.replaceAll('-', ''))
      if (code === undefined) throw new Error(`There is no code ${userCode}.`)
      if (user === undefined) {
        await Object.assign(code, { error: 'access_denied', errorDescription: 'the user said no' }).save()
        return
      }
      const { subject, claims = {} } = user
      claimsOf.set(subject, { client_id: PEOPLE, ...claims })
      const grant = new provider.Grant({ accountId: subject, clientId: PEOPLE })
      grant.addOIDCScope('openid profile offline_access')
      grant.addResourceScope(audience, resource.scope)
      const scope = `openid profile offline_access ${resource.scope}`
      const facts = { accountId: subject, grantId: await grant.save(), authTime: Math.floor(Date.now() / 1000) }
      await Object.assign(code, { ...facts, scope, resource: audience }).save()
    },
    async rotateKey() {
      provider = await startProvider()
      handler = provider.callback()
    },
    hang() {
      handler = () => {}
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }

  async function stop(): Promise<void> {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
}

/** Keeps what the issuer has given out, in memory. */
function adapterOf(model: string, kept: Map<string, Record<string, unknown>>) {
  const key = (id: string) => `${model} ${id}`
  const findBy = async (member: string, value: string) =>
    [...kept].find(([name, entry]) => name.startsWith(`${model} `) && entry[member] === value)?.[1]
  return {
    upsert: async (id: string, payload: Record<string, unknown>) => void kept.set(key(id), payload),
    find: async (id: string) => kept.get(key(id)),
    findByUserCode: (userCode: string) => findBy('userCode', userCode),
    findByUid: (uid: string) => findBy('uid', uid),
    destroy: async (id: string) => void kept.delete(key(id)),
    consume: async (id: string) =>
      void Object.assign(kept.get(key(id)) ?? {}, { consumed: Math.floor(Date.now() / 1000) }),
    async revokeByGrantId(grantId: string) {
      for (const [name, entry] of kept) if (entry.grantId === grantId) kept.delete(name)
    },
  }
}
