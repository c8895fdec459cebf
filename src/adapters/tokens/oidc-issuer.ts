import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { request } from 'undici'
import { AppError } from '../../domain/errors.ts'
import { quote } from '../../domain/json-document.ts'
import { EVERY_INSTANCE } from '../../domain/permissions.ts'
import type { Log } from '../../ports/log.ts'
import { isSafe } from './oidc-issuer-setting.ts'
import type { TrustedIssuer } from './token-verifier.ts'

/** Keys this old are asked for again before they are used, so that one that was withdrawn stops working. */
const FRESH_MS = 10 * 60_000
/** Without an answer they are used this long: no shorter than tokens live, and no longer than a theft should. */
const STALE_MS = 24 * 3600_000
/** Between two attempts. Made-up key ids and an issuer that is down cost one attempt in this time, however many requests come. */
const COOL_DOWN_MS = 10_000
/** Real documents have a few kilobytes, the largest key sets some tens. */
const DOCUMENT_BYTES_MAX = 512 * 1024

/** Where clients of an issuer get their tokens. */
export interface OAuthEndpoints {
  authorizationUrl: string
  tokenUrl: string
}

export interface OidcIssuer extends TrustedIssuer {
  /** As the issuer describes them; undefined until it first did, or where it has none. */
  endpoints(): OAuthEndpoints | undefined
  /** Why the last attempt to reach the issuer failed, for operators; undefined if it did not fail, or was not made yet. */
  problem(): string | undefined
  /** Resolves, and never rejects, when the first attempt has ended, well or not: after `timeoutMs` at most. */
  attempted: Promise<void>
  /** Ends an attempt that is under way. */
  close(): void
}

interface Discovery {
  keys: JWTVerifyGetKey
  endpoints: OAuthEndpoints | undefined
}

/**
 * Trusts the issuer that describes itself at `discoveryUrl` (OpenID Connect Discovery 1.0), if that description names
 * `issuer` to the letter. It is asked at once, in the background, and again when its keys are older than ten minutes or
 * a token names a key that is not among them: one attempt at a time, `timeoutMs` for all of it, and ten seconds between
 * attempts. So no request waits longer than `timeoutMs`, and keys that are known go on working for a day while the issuer
 * is down. A token whose key cannot be fetched then is answered with `AppError('Unavailable')`.
 *
 * jose's remote key set is not used: it forgets its keys when they cannot be renewed, and starts an attempt for every
 * token while the issuer is down.
 *
 * `instances` is where the roles of its tokens can hold. What `log` gets is told once, not at every attempt. `now` counts
 * milliseconds, from any moment.
 */
export function openOidcIssuer({
  issuer,
  discoveryUrl,
  name = issuer,
  audiences,
  instances = [EVERY_INSTANCE],
  timeoutMs = 5000,
  ask = askIssuer,
  now = () => performance.now(),
  log,
}: {
  issuer: string
  discoveryUrl: string
  name?: string
  audiences: readonly string[]
  instances?: readonly string[]
  timeoutMs?: number
  ask?: typeof askIssuer
  now?: () => number
  log: Pick<Log, 'info' | 'warn'>
}): OidcIssuer {
  const closing = new AbortController()
  let found: Discovery | undefined
  let foundAt = Number.NEGATIVE_INFINITY
  let attemptedAt = Number.NEGATIVE_INFINITY
  let pending: Promise<void> | undefined
  let problem: string | undefined

  async function attempt(): Promise<void> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)])
    try {
      const discovery = await discover({ issuer, discoveryUrl, get: (url) => getJson(url, { ask, signal }) })
      if (found === undefined || problem !== undefined) log.info({ issuer }, 'the issuer answers; its keys are known')
      found = discovery
      foundAt = now()
      problem = undefined
    } catch (error) {
      const reason = reasonOf(error, timeoutMs)
      if (reason !== problem && !closing.signal.aborted)
        log.warn({ issuer, reason }, 'the issuer could not be asked for its keys')
      problem = reason
    }
    attemptedAt = now()
    pending = undefined
  }

  /** Waits for the attempt under way, or makes one if the last is not too recent. */
  async function refresh(): Promise<void> {
    if (pending === undefined && now() - attemptedAt >= COOL_DOWN_MS) pending = attempt()
    await pending
  }

  function current(): Discovery {
    if (found !== undefined && now() - foundAt < STALE_MS) return found
    throw unavailable()
  }

  function unavailable(): AppError {
    return new AppError(
      'Unavailable',
      `The issuer ${name} does not answer as it should, so this token cannot be checked now. Try again later.`,
    )
  }

  return {
    issuer,
    name,
    audiences,
    instances,
    async keys(header, token) {
      if (now() - foundAt >= FRESH_MS) await refresh()
      try {
        return await current().keys(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      }
      await refresh()
      if (problem !== undefined) throw unavailable()
      return await current().keys(header, token)
    },
    endpoints: () => found?.endpoints,
    problem: () => problem,
    attempted: refresh(),
    close: () => closing.abort(),
  }
}

async function discover({
  issuer,
  discoveryUrl,
  get,
}: {
  issuer: string
  discoveryUrl: string
  get: (url: string) => Promise<Record<string, unknown>>
}): Promise<Discovery> {
  const document = await get(discoveryUrl)
  if (document.issuer !== issuer) {
    throw new Error(
      `${discoveryUrl} describes the issuer ${quote(String(document.issuer))}, but must describe ${quote(issuer)}. ` +
        'Name the issuer exactly as it names itself.',
    )
  }
  const keySet = await get(addressIn(document, 'jwks_uri', discoveryUrl))
  if (!Array.isArray(keySet.keys) || keySet.keys.length === 0) throw new Error('The key set of the issuer is empty.')
  const { authorization_endpoint: authorization, token_endpoint: token } = document
  const hasEndpoints = authorization !== undefined && token !== undefined
  return {
    keys: createLocalJWKSet(keySet as unknown as JSONWebKeySet),
    endpoints: hasEndpoints
      ? {
          authorizationUrl: addressIn(document, 'authorization_endpoint', discoveryUrl),
          tokenUrl: addressIn(document, 'token_endpoint', discoveryUrl),
        }
      : undefined,
  }
}

/** An issuer on another machine must not send anybody to this one, nor over http. */
function addressIn(document: Record<string, unknown>, member: string, discoveryUrl: string): string {
  const url = URL.parse(String(document[member]))
  if (url === null || !isSafe(url) || (url.protocol === 'http:' && discoveryUrl.startsWith('https:'))) {
    throw new Error(`"${member}" in ${discoveryUrl} is ${quote(String(document[member]))}, but must be an https URL.`)
  }
  return url.href
}

/**
 * Fetches a document of an issuer. Not by `fetch`, which decompresses what it was asked not to: decompressors have had their holes.
 * Redirects are not followed, and only the body of a 200 is there to be read.
 */
export async function askIssuer(
  url: string,
  signal: AbortSignal,
): Promise<{ statusCode: number; body: AsyncIterable<Uint8Array> }> {
  const { statusCode, body } = await request(url, {
    signal,
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
  })
  if (statusCode !== 200) body.on('error', () => {}).destroy()
  return { statusCode, body }
}

async function getJson(
  url: string,
  { ask, signal }: { ask: typeof askIssuer; signal: AbortSignal },
): Promise<Record<string, unknown>> {
  const { statusCode, body } = await ask(url, signal)
  if (statusCode !== 200) {
    throw new Error(`${url} answered with the status ${statusCode}, but 200 was expected.`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > DOCUMENT_BYTES_MAX) throw new Error(`${url} sent more than ${DOCUMENT_BYTES_MAX} bytes.`)
    chunks.push(chunk)
  }
  try {
    return Object(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  } catch (cause) {
    throw new Error(`${url} did not send JSON.`, { cause })
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `It did not answer within ${timeoutMs} ms.`
  return error.cause instanceof Error && error.cause.message !== ''
    ? `${error.message} (${error.cause.message})`
    : error.message
}
