import type { Logger } from 'pino'
import { openAssignmentsFile } from '../adapters/tokens/assignments-file.ts'
import { AUDIENCE, openLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import { openLoginCodes, redeemLoginCode } from '../adapters/tokens/login-codes.ts'
import { openOidcIssuer } from '../adapters/tokens/oidc-issuer.ts'
import { issuerNames } from '../adapters/tokens/oidc-issuer-setting.ts'
import { createTokenVerifier } from '../adapters/tokens/token-verifier.ts'
import { isLocalIssuerOn } from '../config/identity-settings.ts'
import type { ServeConfig } from '../config/serve-settings.ts'
import type { Issuer } from '../http/openapi.ts'

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
    redeemLoginCode: isLocalTrusted
      ? (code: string) => redeemLoginCode(code, { codes, issuer: localIssuer })
      : undefined,
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
