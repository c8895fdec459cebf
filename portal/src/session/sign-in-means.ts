import { readApiError } from '../../../src/client/api-error.ts'

/** How people get a token for this server. */
export interface SignInMeans {
  /** Whether links of `aduana link` are good here. */
  localIssuer: boolean
  /** The issuer at which people sign in, and what the portal asks it for. */
  oidc?: { issuer: string; clientId: string; scope: string }
}

/** Asks the server how people sign in. Throws `ApiError`, or a `TypeError` where the server does not answer. */
export async function askSignInMeans(): Promise<SignInMeans> {
  const response = await fetch('/aduana/v1/login', { credentials: 'omit' })
  if (!response.ok) throw await readApiError(response)
  return (await response.json()) as SignInMeans
}
