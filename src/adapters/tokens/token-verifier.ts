import { decodeJwt, errors, type JWTVerifyGetKey, type JWTVerifyResult, jwtVerify } from 'jose'
import { AppError } from '../../domain/errors.ts'
import type { Principal } from '../../domain/permissions.ts'
import { principalOf, type RoleAssignment } from '../../domain/role-assignments.ts'
import { type Identity, identityOf } from '../../domain/token-identity.ts'

/** Signatures with a public key only: with HMAC whoever can check a token could also make one. */
const ALGORITHMS = ['ES256', 'PS256', 'RS256', 'EdDSA']

/** A token may have 16 KiB (Node's limit for headers), most have one. */
const REMEMBERED_TOKENS_MAX = 1000

/** JWTs of other types, such as logout tokens, have other rules; RFC 9068 names the type of access tokens. */
const TYPES = /^(application\/)?(at\+)?jwt$/i

/** Somebody whose tokens open this server. */
export interface TrustedIssuer {
  /** The `iss` of its tokens, to the letter. */
  issuer: string
  /** What principals call it, if not `issuer`: the two issuers of one Entra tenant have one name. */
  name?: string
  /** Its public keys: jose's local key set, or those of `openOidcIssuer`. */
  keys: JWTVerifyGetKey
  /** Whom its tokens must be for, with or without a final slash. */
  audiences: readonly string[]
  /** Where roles can hold: in these instances or `EVERY_INSTANCE`, or (the default) where the claim `instances` says. */
  instances?: 'claim' | readonly string[]
}

interface Remembered {
  identity: Identity
  /** What `principal` was made with. */
  assignments: readonly RoleAssignment[]
  principal: Principal
  /** In milliseconds since 1970. */
  expiresAt: number
}

/**
 * Makes the one place that judges bearer tokens. The function that it gives answers who a token (a JWT) speaks for: at
 * once if it has seen the token before and the token has not expired since, else after checking signature, issuer,
 * audience and times. What roles the caller has is said by `identityOf` and by `assignments`, which is asked for
 * every request and answers another list once the assignments have changed. Roles that nobody knows give nothing.
 *
 * That function rejects with `AppError('Unauthenticated')` and a sentence that says what is wrong, without the token, or
 * with `AppError('PermissionMissing')` where a user agreed to other scopes only. A failure to get an issuer's keys is no
 * fault of the token, and comes through as it is.
 *
 * `now` is in milliseconds since 1970.
 */
export function createTokenVerifier({
  issuers,
  assignments = () => NO_ASSIGNMENTS,
  clockToleranceSeconds = 0,
  now = Date.now,
}: {
  issuers: readonly TrustedIssuer[]
  assignments?: () => readonly RoleAssignment[]
  clockToleranceSeconds?: number
  now?: () => number
}): (token: string) => Principal | Promise<Principal> {
  const trusted = new Map(issuers.map((entry) => [entry.issuer, entry]))
  const twice = issuers.find((entry) => trusted.get(entry.issuer) !== entry)
  if (twice !== undefined)
    throw new Error(`The issuer ${twice.issuer} stands twice. Name it once, with all its instances.`)
  const remembered = new Map<string, Remembered>()

  return (token) => {
    const known = remembered.get(token)
    if (known !== undefined) {
      if (now() < known.expiresAt) return principalNow(known)
      remembered.delete(token)
    }
    return check(token)
  }

  async function check(token: string): Promise<Principal> {
    const issuer = trusted.get(issuerClaimOf(token))
    if (issuer === undefined) {
      throw unauthenticated(
        `The token is from the issuer ${quoted(issuerClaimOf(token))}, which this server does not trust.`,
      )
    }
    const { payload, protectedHeader } = await verified(token, issuer)
    const { typ = 'JWT' } = protectedHeader
    if (!TYPES.test(typ)) throw unauthenticated(`The token is of the type ${quoted(typ)}, but must be an access token.`)
    const { audiences, instances = 'claim', name = issuer.issuer } = issuer
    const identity = identityOf(payload, { issuer: name, audiences, instances })
    const table = assignments()
    const principal = principalOf(identity, table)
    const expiresAt = payload.exp! * 1000
    if (now() < expiresAt) remember(token, { identity, assignments: table, principal, expiresAt })
    return principal
  }

  function principalNow(known: Remembered): Principal {
    const table = assignments()
    if (known.assignments !== table) {
      known.principal = principalOf(known.identity, table)
      known.assignments = table
    }
    return known.principal
  }

  async function verified(token: string, { issuer, keys, audiences }: TrustedIssuer): Promise<JWTVerifyResult> {
    try {
      return await jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        issuer,
        audience: audiences.flatMap(withAndWithoutSlash),
        requiredClaims: ['exp', 'sub'],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(now()),
      })
    } catch (error) {
      const flaw = flawBehind(error, audiences)
      throw flaw === undefined ? error : unauthenticated(flaw, error)
    }
  }

  function remember(token: string, entry: Remembered): void {
    const [oldest] = remembered.keys()
    if (oldest !== undefined && remembered.size >= REMEMBERED_TOKENS_MAX) remembered.delete(oldest)
    remembered.set(token, entry)
  }
}

const NO_ASSIGNMENTS: readonly RoleAssignment[] = []

/** The issuer that the token claims to be from: good for nothing but to choose the keys to check that with. */
function issuerClaimOf(token: string): string {
  let claimed: unknown
  try {
    claimed = decodeJwt(token).iss
  } catch (error) {
    throw unauthenticated('The bearer token is not a well-formed JWT.', error)
  }
  if (typeof claimed !== 'string') throw unauthenticated('The token names no issuer (claim "iss").')
  return claimed
}

/** What is wrong with the token, or undefined if the token is not to blame. */
function flawBehind(error: unknown, audiences: readonly string[]): string | undefined {
  if (error instanceof errors.JWTExpired) return `The token expired at ${momentOf(error.payload.exp)}. Get a fresh one.`
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason, payload } = error
    if (reason === 'missing') return `The token lacks the claim "${claim}".`
    if (claim === 'aud') {
      return `The token is for the audience ${quoted(payload.aud)}, but must be for ${audiences.join(' or ')}.`
    }
    if (claim === 'nbf' && reason === 'check_failed') return `The token is not valid before ${momentOf(payload.nbf)}.`
    return `The claim "${claim}" of the token is not valid.`
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return `The token is signed in a way that is not accepted here; ${ALGORITHMS.join(', ')} are.`
  }
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return 'The token was not signed with a key of the issuer that it names.'
  }
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  ) {
    return 'The bearer token is not a well-formed JWT.'
  }
  return undefined
}

function unauthenticated(message: string, cause?: unknown): AppError {
  return new AppError('Unauthenticated', message, { cause })
}

function withAndWithoutSlash(audience: string): string[] {
  const without = audience.replace(/\/$/, '')
  return [without, `${without}/`]
}

/** What a token says is shown, but not at any length. */
function quoted(claim: unknown): string {
  return JSON.stringify(claim).slice(0, 200)
}

function momentOf(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000)
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString()
}
