import type { Logger } from 'pino'
import { openAssignmentsFile } from '../adapters/tokens/assignments-file.ts'
import { AUDIENCE, openLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import { openLoginCodes, redeemLoginCode } from '../adapters/tokens/login-codes.ts'
import { openOidcIssuer } from '../adapters/tokens/oidc-issuer.ts'
import { issuerNames, signInScope } from '../adapters/tokens/oidc-issuer-setting.ts'
import { createTokenVerifier } from '../adapters/tokens/token-verifier.ts'
import { isLocalIssuerOn } from '../config/identity-settings.ts'
import type { ServeConfig } from '../config/serve-settings.ts'
import type { Issuer } from '../http/openapi.ts'
import type { SignIn } from '../http/pages/login-route.ts'

/** Everybody whose tokens open this server, and what they give. */
export async function openTokens(
  config: ServeConfig,
  { folder, instances, log }: { folder: string; instances: ReadonlySet<string>; log: Logger },
) {
  const settings = config['oidc-issuer']
  const audiences = config['oidc-audience']
  const external = settings.flatMap(({ name, places, instances: bound }) =>
    places.map((place) => openOidcIssuer({ ...place, name, instances: bound, audiences, log })),
  )
  const assignments =
    config.assignments === undefined
      ? undefined
      : await openAssignmentsFile({
          path: config.assignments,
          assignable: { issuers: issuerNames(settings), instances },
          log,
        })
  // Made in any case, so that `aduana token` works as soon as the local issuer is switched on again.
  const localIssuer = await openLocalIssuer({ folder })
  const isLocalTrusted = isLocalIssuerOn(config)
  const codes = openLoginCodes({ folder })
  return {
    verify: createTokenVerifier({
      issuers: [...external, ...(isLocalTrusted ? [localIssuer] : [])],
      ...(assignments && { assignments: assignments.current }),
      clockToleranceSeconds: external.length > 0 ? config['oidc-clock-tolerance'] / 1000 : 0,
    }),
    signIn: signInOf(config),
    redeemLoginCode: isLocalTrusted
      ? (code: string) => redeemLoginCode(code, { codes, issuer: localIssuer })
      : undefined,
    /** Where the portal asks for tokens in the name of whoever signs in there. */
    signInOrigins: (): string[] => {
      const [issuer] = config['oidc-issuer']
      if (issuer === undefined || config['oidc-client-id'] === undefined) return []
      const { tokenUrl = issuer.name } = external[0]?.endpoints() ?? {}
      return [...new Set([issuer.name, tokenUrl].map((url) => new URL(url).origin))]
    },
    describeIssuer: (): Issuer => {
      const oauth = external[0]?.endpoints()
      return { audience: audiences[0] ?? AUDIENCE, ...(oauth && { oauth }) }
    },
    async close() {
      await assignments?.close()
      for (const issuer of external) issuer.close()
    },
  }
}

/** How people get tokens, as far as it is configured. */
function signInOf(config: ServeConfig): SignIn {
  const isLocal = isLocalIssuerOn(config)
  const [issuer] = config['oidc-issuer']
  const [audience] = config['oidc-audience']
  const clientId = config['oidc-client-id']
  if (issuer === undefined || audience === undefined || clientId === undefined) return { localIssuer: isLocal }
  const scope = config['oidc-scope'] ?? signInScope(issuer, audience)
  return { localIssuer: isLocal, oidc: { issuer: issuer.name, clientId, scope } }
}
