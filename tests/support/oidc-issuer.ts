import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

const CLIENT = { id: 'ci', secret: 'a secret of no worth' }

/** A real OIDC issuer on loopback (the package oidc-provider), which gives out access tokens of RFC 9068 form. */
export interface RunningOidcIssuer extends AsyncDisposable {
  url: string
  /** A token that the client `ci` gets in its own name (client credentials), with further claims. */
  token(claims?: Record<string, unknown>): Promise<string>
  /** A token that the client `ci` holds for a user who signed in. */
  userToken(subject: string, claims?: Record<string, unknown>): Promise<string>
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
}: {
  audience: string
  alg?: string
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
  let provider = await startProvider()
  handler = provider.callback()

  async function startProvider(): Promise<Provider> {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    const key = { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomUUID() }
    return new Provider(url, {
      // Nothing that the tests do is kept by the issuer, and its own memory comes with a warning.
      adapter: () => ({ find: async () => undefined, upsert: async () => {} }),
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          grant_types: ['client_credentials'],
          response_types: [],
          redirect_uris: [],
          id_token_signed_response_alg: alg,
        },
      ],
      cookies: { keys: [randomUUID()] },
      enabledJWA: { idTokenSigningAlgValues: [alg] },
      // A token that is asked for by HTTP gets its further claims from a header, one that is made here brings them along.
      extraTokenClaims: (context: IncomingMessage | undefined, token: { extra?: object }) =>
        context === undefined ? token.extra : JSON.parse(String(context.headers['x-claims'])),
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => audience,
          getResourceServerInfo: () => resource,
        },
      },
      jwks: { keys: [key] },
      ttl: { AccessToken: 600, ClientCredentials: 600 },
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
