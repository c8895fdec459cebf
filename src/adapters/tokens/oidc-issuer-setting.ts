import { EVERY_INSTANCE } from '../../domain/permissions.ts'
import { DELEGATED_SCOPE } from '../../domain/token-identity.ts'

/** One `--oidc-issuer`. */
export interface OidcIssuerSetting {
  /** What principals and role assignments call the issuer: its URL; of an Entra tenant the v2.0 one. */
  name: string
  /** The `iss` of its tokens, and the address under which it describes itself: one, or of an Entra tenant two. */
  places: readonly { issuer: string; discoveryUrl: string }[]
  /** Where roles of its tokens can hold. */
  instances: readonly string[]
}

/** Where each Azure cloud signs people in, and what the issuer of its v1.0 tokens is called. */
const ENTRA_CLOUDS = [
  { login: 'login.microsoftonline.com', sts: 'sts.windows.net' },
  { login: 'login.microsoftonline.us', sts: 'sts.windows.net' },
  { login: 'login.partner.microsoftonline.cn', sts: 'sts.chinacloudapi.cn' },
]

/** Who signs in through these is anybody with an account at Microsoft; the GUID is the tenant of all personal accounts. */
const ENTRA_EVERYBODY = ['common', 'organizations', 'consumers', '9188040d-6c67-4c5b-b112-36a304b66dad']

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Reads `URL[=INSTANCE+INSTANCE…]`: an issuer as its tokens name it, and the instances that it is bound to (else every
 * one). Of an Entra tenant any of its forms will do (`https://login.microsoftonline.com/{tenant id}`, the same with
 * `/v2.0`, `https://sts.windows.net/{tenant id}/`). It stands for both issuers of the tenant, since it is the
 * registration of the API, not the client, that decides between v1.0 and v2.0 tokens (`accessTokenAcceptedVersion`),
 * and each version is checked against the description and the keys of its own, as Entra's documentation asks.
 *
 * Throws an `Error` whose message is a sentence for the operator.
 */
export function parseOidcIssuer(text: string): OidcIssuerSetting {
  const [, url = '', bound] = /^(.*?)(?:=([^=/]*))?$/s.exec(text) ?? []
  const parsed = URL.parse(url)
  if (parsed === null || /[\s?#]/.test(url) || parsed.username !== '' || parsed.password !== '') {
    throw new Error(
      `"${text}" is no issuer. Write its URL as its tokens do (claim "iss"), and the instances it is bound to if any: ` +
        'https://id.example.com/realms/factory=blue+green.',
    )
  }
  if (!isSafe(parsed)) throw new Error(`The issuer ${url} must be an https URL; http is for this machine only.`)
  const instances = bound?.split('+') ?? [EVERY_INSTANCE]
  const misnamed = bound === undefined ? undefined : instances.find((instance) => !/^[a-z0-9-]{3,36}$/.test(instance))
  if (misnamed !== undefined) {
    throw new Error(
      `"${misnamed}" in "${text}" is not an instance name: 3 to 36 lower-case letters, digits and dashes.`,
    )
  }
  const entra = entraPlaces(parsed)
  if (entra !== undefined) return { ...entra, instances }
  // Discovery 1.0, section 4: a final slash of the issuer is taken off before the path is appended.
  const discoveryUrl = `${url.replace(/\/$/, '')}/.well-known/openid-configuration`
  return { name: url, places: [{ issuer: url, discoveryUrl }], instances }
}

/** The names of issuers by everything that they may be called: the name itself, and the `iss` of their tokens. */
export function issuerNames(settings: readonly OidcIssuerSetting[]): ReadonlyMap<string, string> {
  return new Map(
    settings.flatMap(({ name, places }) => [name, ...places.map(({ issuer }) => issuer)].map((text) => [text, name])),
  )
}

/**
 * What a public client asks an issuer for when it signs somebody in: who it is, a token to go on with, and at Entra ID, which gives out
 * no access token without one, the scope of the API. Elsewhere the registration of the client says whom its tokens are for, and an
 * issuer may refuse a scope that it does not know.
 */
export function signInScope({ places }: OidcIssuerSetting, audience: string): string {
  const isEntra = places.length > 1
  return ['openid', 'profile', 'offline_access', ...(isEntra ? [`${audience}/${DELEGATED_SCOPE}`] : [])].join(' ')
}

/** Whether what comes from there can be believed: by https, or by http from this machine. */
export function isSafe({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  return protocol === 'http:' && (hostname === 'localhost' || hostname === '[::1]' || /^127\.[\d.]+$/.test(hostname))
}

function entraPlaces({ hostname, pathname }: URL): Omit<OidcIssuerSetting, 'instances'> | undefined {
  const cloud = ENTRA_CLOUDS.find(({ login, sts }) => hostname === login || hostname === sts)
  if (cloud === undefined) return undefined
  const tenant = (pathname.split('/')[1] ?? '').toLowerCase()
  const example = `https://${cloud.login}/{tenant id}/v2.0`
  if (ENTRA_EVERYBODY.includes(tenant)) {
    throw new Error(
      `The tenant "${tenant}" of Entra ID vouches for people of every organization, or for personal accounts. ` +
        `Name your own tenant: ${example}.`,
    )
  }
  if (!GUID.test(tenant) || !/^\/[^/]+(\/v2\.0)?\/?$/.test(pathname)) {
    throw new Error(`An issuer of Entra ID is named by the GUID of its tenant, as tokens do: ${example}.`)
  }
  const authority = `https://${cloud.login}/${tenant}`
  const name = `${authority}/v2.0`
  return {
    name,
    places: [
      { issuer: name, discoveryUrl: `${authority}/v2.0/.well-known/openid-configuration` },
      { issuer: `https://${cloud.sts}/${tenant}/`, discoveryUrl: `${authority}/.well-known/openid-configuration` },
    ],
  }
}
