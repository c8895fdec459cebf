/** A token as this tab keeps it, until it is closed. Other tabs and later visits do not have it. */
export interface KeptToken {
  accessToken: string
  /** Milliseconds since 1970. */
  expiresAt: number
  /** By a link of the server's own issuer, which makes no second token, or at the configured OIDC issuer. */
  via: 'link' | 'issuer'
}

const KEY = 'aduana.token'

/** The token of this tab, if there is one; it may have ended meanwhile. */
export function findToken(): KeptToken | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as KeptToken | null) ?? undefined
  } catch {
    return undefined
  }
}

export function keepToken(token: KeptToken): void {
  sessionStorage.setItem(KEY, JSON.stringify(token))
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY)
}
