import { CommandError } from '../report.ts'

/** At which issuer somebody signs in, and what a public client asks it for. */
export interface SignIn {
  issuer: string
  clientId: string
  scope: string
}

/** Where to sign in: as the flags say, else as the server says. */
export async function chooseSignIn(
  { issuer, clientId, scope }: { [Part in keyof SignIn]: SignIn[Part] | undefined },
  { server, fetch }: { server: string; fetch: typeof globalThis.fetch },
): Promise<SignIn> {
  if (issuer !== undefined && clientId !== undefined)
    return { issuer, clientId, scope: scope ?? 'openid profile offline_access' }
  const response = await fetch(`${server}/aduana/v1/login`, { headers: { accept: 'application/json' } })
  const { localIssuer, oidc } = Object(response.ok ? await response.json() : undefined) as {
    localIssuer?: boolean
    oidc?: SignIn
  }
  if (typeof oidc?.issuer !== 'string' || typeof oidc.clientId !== 'string') {
    throw new CommandError(
      `The server ${server} does not say where to sign in` +
        (localIssuer
          ? ': it takes tokens of its own. On its machine commands need no sign-in (--data names its folder), and "aduana token" prints a token for ADUANA_TOKEN elsewhere.'
          : '. Name its issuer and a public client of it with --issuer and --client-id, or let its operator set --oidc-client-id.'),
    )
  }
  const told = { issuer: oidc.issuer, clientId: oidc.clientId, scope: String(oidc.scope ?? 'openid') }
  return {
    issuer: issuer ?? told.issuer,
    clientId: clientId ?? told.clientId,
    scope: scope ?? told.scope,
  }
}
