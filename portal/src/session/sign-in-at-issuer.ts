import { type User, UserManager, WebStorageStateStore } from 'oidc-client-ts'
import type { KeptToken } from './kept-token.ts'
import { askSignInMeans } from './sign-in-means.ts'

/**
 * Signing in at the configured OIDC issuer: authorization code with PKCE, by a redirect of this tab. The answer comes back behind the #,
 * so that no server log has the code.
 */

let manager: Promise<UserManager> | undefined

function issuer(): Promise<UserManager> {
  manager ??= makeManager().catch((error) => {
    manager = undefined
    throw error
  })
  return manager
}

async function makeManager(): Promise<UserManager> {
  const { oidc } = await askSignInMeans()
  if (oidc === undefined) throw new Error('This server has no issuer at which a browser could sign in.')
  const store = new WebStorageStateStore({ store: sessionStorage, prefix: 'aduana.oidc.' })
  return new UserManager({
    authority: oidc.issuer,
    client_id: oidc.clientId,
    scope: oidc.scope,
    redirect_uri: `${location.origin}/`,
    response_mode: 'fragment',
    // The refresh token renews; frames of the issuer are not allowed here, and not needed.
    automaticSilentRenew: false,
    monitorSession: false,
    loadUserInfo: false,
    userStore: store,
    stateStore: store,
  })
}

/** Leaves for the issuer. Comes back at `/`, where `finishSignIn` goes on. */
export async function beginSignIn({ returnTo }: { returnTo: string }): Promise<void> {
  await (await issuer()).signinRedirect({ state: returnTo })
}

/** Reads what the issuer sent back, and answers the token and where the visitor was. Throws where the issuer refused. */
export async function finishSignIn(url: string): Promise<{ token: KeptToken; returnTo: string }> {
  const user = await (await issuer()).signinRedirectCallback(url)
  const returnTo = typeof user.state === 'string' && user.state.startsWith('/') ? user.state : '/'
  return { token: tokenOf(user), returnTo }
}

/** A fresh token where the issuer gave a refresh token; undefined where it did not. Throws where the issuer refuses. */
export async function renewToken(): Promise<KeptToken | undefined> {
  const users = await issuer()
  const known = await users.getUser()
  if (known?.refresh_token === undefined) return undefined
  const user = await users.signinSilent()
  return user === null ? undefined : tokenOf(user)
}

/** Forgets who signed in, and asks the issuer to forget the refresh token as far as it knows how to. */
export async function forgetUser(): Promise<void> {
  const users = await issuer()
  const user = await users.getUser()
  // First of all, so that nobody finds it while the issuer is asked.
  await users.removeUser()
  const endpoint = await users.metadataService.getRevocationEndpoint(true)
  if (endpoint === undefined || user?.refresh_token === undefined) return
  const { client_id } = users.settings
  const body = new URLSearchParams({ client_id, token: user.refresh_token, token_type_hint: 'refresh_token' })
  await fetch(endpoint, { method: 'POST', body, credentials: 'omit' })
}

function tokenOf({ access_token, expires_at }: User): KeptToken {
  // An issuer that does not tell is asked again soon.
  return { accessToken: access_token, expiresAt: (expires_at ?? Date.now() / 1000 + 300) * 1000, via: 'issuer' }
}
