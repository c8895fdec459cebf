import { CommandError } from '../report.ts'
import type { Logins } from './logins.ts'
import { askTokens, OAuthRefusal } from './oauth.ts'

/** A token that ends while a request is under way is no good any more. */
const MARGIN_MS = 60_000

/**
 * A token of who is signed in at a server, renewed where it is about to end. Processes that run at the same time renew
 * it once: an issuer may take a refresh token that comes twice for stolen. Throws a `CommandError` where the sign-in
 * has ended.
 */
export async function freshToken(server: string, { logins }: { logins: Logins }): Promise<string> {
  const known = await logins.find(server)
  if (known !== undefined && known.expiresAt - Date.now() > MARGIN_MS) return known.accessToken
  const ended = `The sign-in at ${server} has ended. Sign in again: aduana login --server ${server}`
  let refusal: OAuthRefusal | undefined
  const login = await logins.change(server, async (login) => {
    if (login === undefined || login.expiresAt - Date.now() > MARGIN_MS) return login
    const { refreshToken, tokenEndpoint, clientId } = login
    // Without one the token is used to its end.
    if (refreshToken === undefined) return login.expiresAt > Date.now() ? login : undefined
    try {
      const { idToken, ...tokens } = await askTokens(tokenEndpoint, {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        client_id: clientId,
      })
      return { ...login, ...tokens }
    } catch (error) {
      if (!(error instanceof OAuthRefusal)) throw error
      refusal = error
      // Nothing else says that the refresh token itself is no good.
      return error.code === 'invalid_grant' ? undefined : login
    }
  })
  if (login === undefined) throw new CommandError(ended)
  if (refusal !== undefined) throw new CommandError(`The issuer ${login.issuer} renews no token: ${refusal.message}`)
  return login.accessToken
}
