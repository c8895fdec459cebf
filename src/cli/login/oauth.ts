import { isSafe } from '../../adapters/tokens/oidc-issuer-setting.ts'
import { CommandError } from '../report.ts'

const TIMEOUT_MS = 30_000

/** What an issuer says of itself (OpenID Connect Discovery 1.0), as far as a device code login needs it. */
export interface IssuerDescription {
  tokenEndpoint: string
  deviceAuthorizationEndpoint: string | undefined
  revocationEndpoint: string | undefined
}

/** What a token endpoint answers to a grant that it takes. */
export interface Tokens {
  accessToken: string
  /** Milliseconds since 1970. */
  expiresAt: number
  refreshToken?: string
  idToken?: string
}

/** An endpoint said no, with a code of RFC 6749 or RFC 8628. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Where nothing says how long a token is good, it is asked for again soon. */
const LIFETIME_SECONDS = 300

/**
 * Asks an issuer where its endpoints are. Throws a `CommandError` where it does not describe itself, or points to where
 * nobody should go.
 */
export async function describeIssuer(issuer: string): Promise<IssuerDescription> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  if (URL.parse(url) === null || !isSafe(new URL(url)))
    throw new CommandError(`The issuer ${issuer} must be an https URL; http is for this machine only.`)
  const document = await answerOf(url, fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) }))
  if (document.issuer !== issuer) {
    throw new CommandError(
      `${url} describes the issuer "${document.issuer}", not "${issuer}". Name it as it names itself.`,
    )
  }
  const endpoint = (member: string) => {
    const text = document[member]
    if (text === undefined) return undefined
    const parsed = URL.parse(String(text))
    if (parsed === null || !isSafe(parsed) || (parsed.protocol === 'http:' && url.startsWith('https:')))
      throw new CommandError(`"${member}" of the issuer ${issuer} is "${text}", but must be an https URL.`)
    return parsed.href
  }
  const tokenEndpoint = endpoint('token_endpoint')
  if (tokenEndpoint === undefined) throw new CommandError(`The issuer ${issuer} has no token endpoint.`)
  return {
    tokenEndpoint,
    deviceAuthorizationEndpoint: endpoint('device_authorization_endpoint'),
    revocationEndpoint: endpoint('revocation_endpoint'),
  }
}

/** Sends a form as OAuth has it. Throws `OAuthRefusal` where the endpoint answers with a code, `CommandError` where it makes no sense. */
export async function postForm(url: string, form: Record<string, string>): Promise<Record<string, unknown>> {
  return await answerOf(
    url,
    fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { accept: 'application/json' },
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }),
  )
}

/** Exchanges a grant for tokens. Throws as `postForm` does. */
export async function askTokens(tokenEndpoint: string, form: Record<string, string>): Promise<Tokens> {
  const answer = await postForm(tokenEndpoint, form)
  const { access_token: accessToken, expires_in: seconds, refresh_token: refreshToken, id_token: idToken } = answer
  if (typeof accessToken !== 'string') throw new CommandError(`${tokenEndpoint} answered without an access token.`)
  const lifetime = Number.isFinite(Number(seconds)) && Number(seconds) > 0 ? Number(seconds) : LIFETIME_SECONDS
  return {
    accessToken,
    expiresAt: Date.now() + lifetime * 1000,
    ...(typeof refreshToken === 'string' && { refreshToken }),
    ...(typeof idToken === 'string' && { idToken }),
  }
}

async function answerOf(url: string, asked: Promise<Response>): Promise<Record<string, unknown>> {
  const response = await asked.catch((error: Error) => {
    const { code, message } = Object(error.cause ?? error) as { code?: string; message?: string }
    throw new CommandError(`${url} does not answer (${code ?? message ?? error.message}).`)
  })
  const answer = (await response.json().catch(() => undefined)) as Record<string, unknown> | undefined
  if (response.ok && answer !== undefined) return answer
  const { error: code, error_description: description } = Object(answer) as Record<string, unknown>
  if (typeof code === 'string')
    throw new OAuthRefusal(code, typeof description === 'string' ? description : `The issuer says "${code}".`)
  throw new CommandError(`${url} answered with the status ${response.status}${response.ok ? ', and no JSON' : ''}.`)
}
