import { AppError } from './errors.ts'
import { EVERY_INSTANCE, type Grant, roleNamed } from './permissions.ts'

/** What a client asks for when it signs a user in (import schema 4.0, OAuth authorization). */
export const DELEGATED_SCOPE = 'user_impersonation'

/** The payload of a token whose signature, issuer, audience and times are good. */
export type Claims = Readonly<Record<string, unknown>>

/** Who a token speaks for, as far as it says so by itself; role assignments may add to it. */
export interface Identity {
  /** What the caller is called in operations and in the audit log: Entra's `oid`, else `sub`. */
  subject: string
  issuer: string
  /** By what an assignment may name the caller: `sub`, and Entra's `oid`. */
  subjects: readonly string[]
  /** The id of the application, if the token speaks for an application and not for a user who signed in to one. */
  application: string | undefined
  groups: readonly string[]
  /** The roles that the token itself gives. */
  grants: readonly Grant[]
  /** Where roles can hold at all: in these instances, or in `EVERY_INSTANCE`. */
  instances: readonly string[]
}

/**
 * Reads who calls from the claims of an access token, which is one of Entra ID (v1.0 or v2.0), of Keycloak, of the local
 * issuer, or has the form of RFC 9068.
 *
 * - Roles are in `roles`, in `realm_access.roles` and in `resource_access[audience].roles`, the last two as Keycloak
 *   writes them. Roles of clients that are no audience of this server give nothing: they speak of something else.
 * - Roles hold in `instances`; `claim` leaves that to the token's claim of that name.
 * - Scopes (import schema 4.0, OAuth authorization): whoever signs a user in asks for `user_impersonation`, and a token
 *   with `scp`, the scopes that the user agreed to, must have it. Applications ask for `.default` and get a token without
 *   `scp`. The claim `scope` is not looked at: Keycloak fills it with scopes of its own, and there it is the audience
 *   that says whom a user meant to call.
 * - ID tokens tell a client who signed in. They are no key to an API and are refused, even if the audience is the same.
 * - `application` is only set where no user is behind the token: in Entra's tokens without `scp`, where the subject is
 *   the client itself (RFC 9068), and for the service account of a Keycloak client. A user who signs in to an application
 *   must not get what was given to the application.
 *
 * Throws `AppError('Unauthenticated')` for what is no access token or names nobody, and `AppError('PermissionMissing')`
 * without the scope.
 */
export function identityOf(
  claims: Claims,
  {
    issuer,
    audiences,
    instances,
  }: { issuer: string; audiences: readonly string[]; instances: 'claim' | readonly string[] },
): Identity {
  const { sub } = claims
  if (typeof sub !== 'string') {
    throw new AppError('Unauthenticated', 'The subject of the token (claim "sub") is no text.')
  }
  if (isIdToken(claims)) {
    throw new AppError(
      'Unauthenticated',
      'The token is an ID token, which tells a client who signed in. Send the access token that came with it.',
    )
  }
  refuseWithoutScope(claims)
  const oid = isOfEntra(claims) ? textOf(claims.oid) : undefined
  const where = instances === 'claim' ? textsIn(claims.instances) : instances
  const roles = rolesIn(claims, audiences).flatMap((text) => roleNamed(text) ?? [])
  return {
    subject: oid ?? sub,
    issuer,
    subjects: oid === undefined ? [sub] : [oid, sub],
    application: applicationOf(claims),
    groups: textsIn(claims.groups),
    grants: where.flatMap((instance) => roles.map((role) => ({ role, instance }))),
    instances: where,
  }
}

/** The instances that stand in both lists; `EVERY_INSTANCE` in one leaves the other as it is. */
export function instancesInBoth(some: readonly string[], others: readonly string[]): readonly string[] {
  if (some.includes(EVERY_INSTANCE)) return others
  if (others.includes(EVERY_INSTANCE)) return some
  return some.filter((instance) => others.includes(instance))
}

/** Keycloak says so in `typ`; Entra names the client in access tokens only; others tie ID tokens to the sign-in. */
function isIdToken(claims: Claims): boolean {
  if (claims.typ === 'Bearer') return false
  if (claims.typ === 'ID' || claims.typ === 'Logout') return true
  if (isOfEntra(claims) && claims.appid === undefined && claims.azp === undefined) return true
  return claims.nonce !== undefined || claims.at_hash !== undefined || claims.c_hash !== undefined
}

/** Only Entra's tokens name a tenant. */
function isOfEntra(claims: Claims): boolean {
  return typeof claims.tid === 'string'
}

function refuseWithoutScope({ scp }: Claims): void {
  if (scp === undefined) return
  const scopes = typeof scp === 'string' ? scp.split(' ') : textsIn(scp)
  if (scopes.some((scope) => scope === DELEGATED_SCOPE || scope.endsWith(`/${DELEGATED_SCOPE}`))) return
  throw new AppError(
    'PermissionMissing',
    'The token of the signed-in user lacks the scope user_impersonation. Let the client ask for it when signing in.',
    { target: DELEGATED_SCOPE },
  )
}

function applicationOf(claims: Claims): string | undefined {
  const { sub, scp, idtyp, preferred_username: userName } = claims
  const client = textOf(claims.appid) ?? textOf(claims.azp) ?? textOf(claims.client_id)
  if (client === undefined || sub === client) return client
  if (isOfEntra(claims)) return scp === undefined && (idtyp === undefined || idtyp === 'app') ? client : undefined
  const isServiceAccount =
    userName === `service-account-${client.toLowerCase()}` && (claims.client_id ?? claims.clientId) === client
  return isServiceAccount ? client : undefined
}

function rolesIn(claims: Claims, audiences: readonly string[]): string[] {
  const byClient = membersOf(claims.resource_access)
  return [
    claims.roles,
    membersOf(claims.realm_access).roles,
    ...audiences.map((audience) => (Object.hasOwn(byClient, audience) ? membersOf(byClient[audience]).roles : [])),
  ].flatMap(textsIn)
}

function membersOf(claim: unknown): Claims {
  return typeof claim === 'object' && claim !== null ? (claim as Claims) : {}
}

function textsIn(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter((entry) => typeof entry === 'string') : []
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}
