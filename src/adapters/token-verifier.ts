import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { AppError } from '../domain/errors.ts'
import { type Principal, roleNamed } from '../domain/permissions.ts'

/** Signatures with a public key only: with HMAC whoever can check a token could also make one. */
const ALGORITHMS = ['ES256', 'PS256', 'RS256', 'EdDSA']

/** A token may have 16 KiB (Node's limit for headers), most have one. */
const REMEMBERED_TOKENS_MAX = 1000

/** Somebody whose tokens open this server. */
export interface TrustedIssuer {
  /** The `iss` of its tokens, to the letter. */
  issuer: string
  /** Its public keys: jose's local or remote key set. */
  keys: JWTVerifyGetKey
  /** Whom its tokens must be for, with or without a final slash. */
  audiences: readonly string[]
  /** Where the roles in its tokens hold: in these instances, or (the default) where the claim `instances` says. */
  instances?: 'claim' | readonly string[]
}

/**
 * Makes the one place that judges bearer tokens. The function that it gives answers who a token (a JWT) speaks for: at
 * once if it has seen the token before and the token has not expired since, else after checking signature, issuer,
 * audience and times. Roles that nobody knows give nothing.
 *
 * That function rejects with `AppError('Unauthenticated')` and a sentence that says what is wrong, without the token.
 * A failure to get an issuer's keys is no fault of the token, and comes through as it is.
 *
 * `now` is in milliseconds since 1970.
 */
export function createTokenVerifier({
  issuers,
  clockToleranceSeconds = 0,
  now = Date.now,
}: {
  issuers: readonly TrustedIssuer[]
  clockToleranceSeconds?: number
  now?: () => number
}): (token: string) => Principal | Promise<Principal> {
  const trusted = new Map(issuers.map((entry) => [entry.issuer, entry]))
  const remembered = new Map<string, { principal: Principal; expiresAt: number }>()

  return (token) => {
    const known = remembered.get(token)
    if (known !== undefined) {
      if (now() < known.expiresAt) return known.principal
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
    const payload = await verified(token, issuer)
    const principal = principalOf(payload, issuer)
    const expiresAt = payload.exp! * 1000
    if (now() < expiresAt) remember(token, { principal, expiresAt })
    return principal
  }

  async function verified(token: string, { issuer, keys, audiences }: TrustedIssuer): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        issuer,
        audience: audiences.flatMap(withAndWithoutSlash),
        requiredClaims: ['exp', 'sub'],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(now()),
      })
      return payload
    } catch (error) {
      const flaw = flawBehind(error, audiences)
      throw flaw === undefined ? error : unauthenticated(flaw, error)
    }
  }

  function remember(token: string, entry: { principal: Principal; expiresAt: number }): void {
    const [oldest] = remembered.keys()
    if (oldest !== undefined && remembered.size >= REMEMBERED_TOKENS_MAX) remembered.delete(oldest)
    remembered.set(token, entry)
  }
}

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

function principalOf(payload: JWTPayload, { issuer, instances = 'claim' }: TrustedIssuer): Principal {
  if (typeof payload.sub !== 'string') throw unauthenticated('The subject of the token (claim "sub") is no text.')
  const roles = textsIn(payload.roles).flatMap((text) => roleNamed(text) ?? [])
  const where = instances === 'claim' ? textsIn(payload.instances) : instances
  return {
    subject: payload.sub,
    issuer,
    grants: where.flatMap((instance) => roles.map((role) => ({ role, instance }))),
  }
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

function textsIn(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter((entry) => typeof entry === 'string') : []
}

/** What a token says is shown, but not at any length. */
function quoted(claim: unknown): string {
  return JSON.stringify(claim).slice(0, 200)
}

function momentOf(seconds: number | undefined): string {
  const date = new Date((seconds ?? Number.NaN) * 1000)
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString()
}
