import { readApiError } from '../../../src/client/api-error.ts'
import type { KeptToken } from './kept-token.ts'

/** Exchanges the code of a one-time link for a token. Throws `ApiError`, or a `TypeError` where the server does not answer. */
export async function redeemLink(code: string): Promise<KeptToken> {
  const response = await fetch('/aduana/v1/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
    credentials: 'omit',
  })
  if (!response.ok) throw await readApiError(response)
  const { accessToken, expiresOn } = (await response.json()) as { accessToken: string; expiresOn: string }
  return { accessToken, expiresAt: Date.parse(expiresOn), via: 'link' }
}
