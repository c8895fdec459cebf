import { parseClamdAddress } from './adapters/clamd/clamd-address.ts'
import { CLAMD_SCAN_BYTES_MAX } from './adapters/clamd/clamd-limits.ts'
import type { SourceLimits } from './adapters/source/source-limits.ts'
import { parseAllowedSource } from './adapters/source/source-policy.ts'
import { parseOidcIssuer } from './adapters/tokens/oidc-issuer-setting.ts'
import { INSTANCE_NAME } from './domain/instance-name.ts'
import { roleNamed } from './domain/permissions.ts'
import { LIMIT_NAMES, LIMIT_PROFILES, type LimitName, type ServiceLimits } from './domain/service-limits.ts'
import { CLIENT_LIMITS, type ClientLimits, type HostPort } from './http/listeners.ts'
import { ConfigurationError, type Setting, type ValuesOf } from './read-settings.ts'
import { RETRY, type RetryPolicy } from './services/read-source.ts'
import type { ScanMode } from './services/scan-policy.ts'

/** Every setting, by its flag. `docs/configuration.md` is made from these tables. */

const data = {
  placeholder: 'DIR',
  description: 'folder that keeps all state',
  default: './data',
  parse: (text: string) => text,
} satisfies Setting<string>

export const SERVE_SETTINGS = {
  data,
  http: {
    placeholder: 'HOST:PORT',
    description: 'where to listen with plain http, for people and the command line; port 0 takes a free one',
    default: '127.0.0.1:8480',
    parse: parseHostPort,
  },
  https: {
    placeholder: 'HOST:PORT',
    description: 'where to listen with https, for Azure clients',
    default: '127.0.0.1:8443',
    parse: parseHostPort,
  },
  metrics: {
    placeholder: 'HOST:PORT',
    description:
      'where to answer /metrics for Prometheus, /healthz and /readyz, without a token and apart from the other listeners (default: nowhere; /metrics is at the others, with a token)',
    parse: parseHostPort,
  },
  'client-limit': {
    placeholder: 'NAME=VALUE',
    description: `what clients may hold up (repeatable): connections=${CLIENT_LIMITS.connectionsMax} at each listener; headers=20s, request=60s until they are here; silence=5m without a byte sent or taken`,
    isList: true,
    parse: parseClientLimit,
  },
  instance: {
    placeholder: 'NAME',
    description: 'instance to make if it is not there yet (repeatable; default: one called "default")',
    isList: true,
    parse: parseInstance,
  },
  'allow-source': {
    placeholder: 'HOST-OR-CIDR[:PORT]',
    description: 'private host or range that files may be fetched from (repeatable); public addresses always may',
    isList: true,
    parse: parseAllowedSource,
  },
  'source-limit': {
    placeholder: 'NAME=VALUE',
    description:
      'one limit of a download (repeatable): connect=10s, silence=60s without a byte, slow=60s below pace=1024 bytes a second, total=4h; tries=6 in a row without a byte, the first again after pause=1s, then longer',
    isList: true,
    parse: parseSourceLimit,
  },
  'tls-cert': {
    placeholder: 'FILE',
    description: 'own certificate chain for https, in PEM; without it a private CA makes one',
    parse: (text: string) => text,
  },
  'tls-key': { placeholder: 'FILE', description: 'private key of --tls-cert, in PEM', parse: (text: string) => text },
  'oidc-issuer': {
    placeholder: 'URL[=INSTANCE+INSTANCE]',
    description:
      'OIDC issuer whose tokens are accepted (repeatable); roles in its tokens hold in the instances named, or in all',
    isList: true,
    parse: parseOidcIssuer,
  },
  'oidc-audience': {
    placeholder: 'AUDIENCE',
    description: 'whom tokens of the OIDC issuers must be for (repeatable; required with --oidc-issuer)',
    isList: true,
    parse: parseAudience,
  },
  'oidc-clock-tolerance': {
    placeholder: 'DURATION',
    description: 'how far the clock of an OIDC issuer may be off',
    default: '30s',
    parse: parseDuration,
  },
  assignments: {
    placeholder: 'FILE',
    description:
      'JSON file that gives roles to subjects, applications and groups of the OIDC issuers; read again when it changes',
    parse: (text: string) => text,
  },
  'local-issuer': {
    placeholder: 'on|off',
    description: 'whether tokens of "aduana token" are accepted (default: on, but off with --oidc-issuer)',
    parse: parseSwitch,
  },
  scanner: {
    placeholder: 'URL',
    description:
      'malware scanner: clamd://HOST:PORT or clamd:///PATH of its Unix socket (default: none, and every update says NotScanned)',
    parse: parseClamdAddress,
  },
  scan: {
    placeholder: 'MODE',
    description:
      'what to do with files that could not be scanned: required refuses them, best-effort takes them, off scans nothing',
    default: 'required',
    parse: parseScanMode,
  },
  'scan-max': {
    placeholder: 'BYTES',
    description: 'largest file that the scanner is tested with after start',
    default: String(CLAMD_SCAN_BYTES_MAX),
    parse: parseScanMax,
  },
  limits: {
    placeholder: 'PROFILE',
    description:
      'how much an instance may use: generous (1000 operations in progress, nothing else) or azure (as documented there)',
    default: 'generous',
    parse: parseLimitProfile,
  },
  limit: {
    placeholder: 'NAME=N',
    description: `one limit of its own, or NAME=none (repeatable); NAME is one of ${LIMIT_NAMES.join(', ')}`,
    isList: true,
    parse: parseLimit,
  },
  'public-url': {
    placeholder: 'URL',
    description: 'how devices reach this server, for content addresses (default: as the caller reached it)',
    parse: parsePublicUrl,
  },
  'sweep-after': {
    placeholder: 'DURATION',
    description: 'how long bytes that no update names any more are kept',
    default: '24h',
    parse: parseDuration,
  },
  grace: {
    placeholder: 'DURATION',
    description: 'how long a stopping server lets running operations go on before it parks them',
    default: '10s',
    parse: parseTimer,
  },
  'log-level': {
    placeholder: 'LEVEL',
    description: 'fatal, error, warn, info, debug, trace or silent',
    default: 'info',
    parse: parseLogLevel,
  },
} satisfies Record<string, Setting<unknown>>

export type ServeConfig = ValuesOf<typeof SERVE_SETTINGS>

/** What settings demand of each other. Throws `ConfigurationError` with every mistake. */
export function checkTogether(config: ServeConfig): void {
  const hasIssuer = config['oidc-issuer'].length > 0
  const mistakes = [
    (config['tls-cert'] === undefined) !== (config['tls-key'] === undefined) &&
      '--tls-cert and --tls-key belong together.',
    hasIssuer !== config['oidc-audience'].length > 0 && '--oidc-issuer and --oidc-audience belong together.',
    config.assignments !== undefined && !hasIssuer && '--assignments needs an --oidc-issuer.',
    config['local-issuer'] === false &&
      !hasIssuer &&
      '--local-issuer off needs an --oidc-issuer, or nobody could sign in.',
  ].filter((mistake) => mistake !== false)
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
}

export const TOKEN_SETTINGS = {
  data,
  role: {
    placeholder: 'ROLE',
    description: 'role that the token gives, by name or id',
    default: 'Device Update Administrator',
    parse: parseRole,
  },
  instance: {
    placeholder: 'NAME',
    description: 'instance that it gives the role in (repeatable; default: the one that was made first)',
    isList: true,
    parse: parseInstance,
  },
  minutes: {
    placeholder: 'N',
    description: 'how long the token is good',
    default: '60',
    parse: parseMinutes,
  },
} satisfies Record<string, Setting<unknown>>

/** Whether the tokens of the local issuer open the server. */
export function isLocalIssuerOn(config: ServeConfig): boolean {
  return config['local-issuer'] ?? config['oidc-issuer'].length === 0
}

/** Those of the server that say what there is to examine. */
export const DOCTOR_SETTINGS = {
  data,
  scanner: SERVE_SETTINGS.scanner,
  'scan-max': SERVE_SETTINGS['scan-max'],
  'sweep-after': SERVE_SETTINGS['sweep-after'],
  'tls-cert': SERVE_SETTINGS['tls-cert'],
  'tls-key': SERVE_SETTINGS['tls-key'],
} satisfies Record<string, Setting<unknown>>

export type DoctorConfig = ValuesOf<typeof DOCTOR_SETTINGS>

/** Of backup and restore: which data folder. */
export const BACKUP_SETTINGS = { data } satisfies Record<string, Setting<unknown>>

/** Which server a command speaks to, and as whom. */
export const CLIENT_SETTINGS = {
  server: {
    placeholder: 'URL',
    description: 'server to speak to',
    default: 'http://127.0.0.1:8480',
    parse: parseServer,
  },
  instance: {
    placeholder: 'NAME',
    description: 'instance (repeatable; default: the one that was made first)',
    isList: true,
    parse: parseInstance,
  },
  ca: {
    placeholder: 'FILE',
    description: 'CA to trust with https, in PEM; that of the server is tls/ca.pem in its data folder',
    parse: (text: string) => text,
  },
  data: {
    ...data,
    description: 'data folder of the server, to make a token of its local issuer where ADUANA_TOKEN has none',
  },
} satisfies Record<string, Setting<unknown>>

export type ClientConfig = ValuesOf<typeof CLIENT_SETTINGS>

/** Of a login link: what its token gives, and which page it opens. */
export const LINK_SETTINGS = {
  ...TOKEN_SETTINGS,
  server: { ...CLIENT_SETTINGS.server, description: 'server as the browser reaches it' },
} satisfies Record<string, Setting<unknown>>

/** The flags of every command: a variable of one command is not a mistake for another. `ADUANA_TOKEN` is no flag, since others see those. */
export const KNOWN_SETTINGS: readonly string[] = [
  ...Object.keys(SERVE_SETTINGS),
  ...Object.keys(TOKEN_SETTINGS),
  ...Object.keys(CLIENT_SETTINGS),
  'token',
]

/** The instance that is there unless others are named. */
export const DEFAULT_INSTANCE = 'default'

export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || port > 65535)
    throw new Error(`${text} is not HOST:PORT, such as 127.0.0.1:8480 or [::1]:8480.`)
  return { host, port }
}

function parseInstance(text: string): string {
  if (!INSTANCE_NAME.test(text)) {
    throw new Error(`${text} is not an instance name: 3 to 36 lower-case letters, digits and dashes.`)
  }
  return text
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `500ms`, `30s`, `10m`, `24h` or `7d`. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (match === null || unit === undefined) throw new Error(`${text} is not a duration, such as 30s, 10m, 24h or 7d.`)
  return Number(match[1]) * unit
}

/** A duration that a timer can wait for: Node's end at 24.8 days, and longer ones would be none at all. */
function parseTimer(text: string): number {
  const ms = parseDuration(text)
  if (ms > 2_147_483_647) throw new Error(`${text} is too long; at most 24d.`)
  return ms
}

function parseServer(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
    throw new Error(`${text} is not the address of a server, such as http://127.0.0.1:8480.`)
  }
  return url.origin
}

function parsePublicUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new Error(`${text} is not an http or https URL without query, such as https://updates.example.com.`)
  }
  return url.href.replace(/\/$/, '')
}

function parseAudience(text: string): string {
  if (text.trim() === '') throw new Error('An audience must not be empty.')
  return text
}

function parseSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new Error(`${text} is neither on nor off.`)
  return text === 'on'
}

type SourceLimit = Partial<SourceLimits & RetryPolicy>

const SOURCE_LIMITS: Readonly<Record<string, { name: keyof SourceLimit; isNumber?: true }>> = {
  connect: { name: 'connectMs' },
  silence: { name: 'silenceMs' },
  slow: { name: 'slowMs' },
  total: { name: 'totalMs' },
  pace: { name: 'slowBytesPerSecond', isNumber: true },
  tries: { name: 'triesMax', isNumber: true },
  pause: { name: 'pauseMs' },
}

function parseSourceLimit(text: string): SourceLimit {
  const [, key = '', value = ''] = /^([a-z]+)=(\w+)$/.exec(text) ?? []
  const limit = Object.hasOwn(SOURCE_LIMITS, key) ? SOURCE_LIMITS[key] : undefined
  if (limit === undefined) {
    throw new Error(`${text} is not NAME=VALUE with one of ${Object.keys(SOURCE_LIMITS).join(', ')}.`)
  }
  if (!limit.isNumber) return { [limit.name]: parseTimer(value) }
  if (!/^\d{1,12}$/.test(value) || (key === 'tries' && value === '0')) {
    throw new Error(`${text}: "${key}" wants a whole number.`)
  }
  return { [limit.name]: Number(value) }
}

/** The limits of downloads, and how stubbornly a source is asked again. */
export function sourceSettingsOf(config: ServeConfig): { limits: Partial<SourceLimits>; retry: RetryPolicy } {
  const { triesMax, pauseMs, ...limits }: SourceLimit = Object.assign({}, ...config['source-limit'])
  return { limits, retry: { triesMax: triesMax ?? RETRY.triesMax, pauseMs: pauseMs ?? RETRY.pauseMs } }
}

const CLIENT_LIMIT_NAMES = { headers: 'headersMs', request: 'requestMs', silence: 'silenceMs' } as const

function parseClientLimit(text: string): Partial<ClientLimits> {
  const [, name = '', value = ''] = /^([a-z]+)=(\w+)$/.exec(text) ?? []
  if (name === 'connections') {
    if (!/^[1-9]\d{0,6}$/.test(value)) throw new Error(`${text}: connections is a number from 1 to 9999999.`)
    return { connectionsMax: Number(value) }
  }
  if (!Object.hasOwn(CLIENT_LIMIT_NAMES, name)) {
    throw new Error(`${text} is not NAME=VALUE with one of connections, ${Object.keys(CLIENT_LIMIT_NAMES).join(', ')}.`)
  }
  const ms = parseTimer(value)
  // To Node 0 means that there is no limit.
  if (ms === 0) throw new Error(`${text}: it must be longer than nothing.`)
  return { [CLIENT_LIMIT_NAMES[name as keyof typeof CLIENT_LIMIT_NAMES]]: ms }
}

/** The limits for clients that are in force. */
export function clientLimitsOf(config: ServeConfig): ClientLimits {
  return Object.assign({}, CLIENT_LIMITS, ...config['client-limit'])
}

function parseLimitProfile(text: string): ServiceLimits {
  if (text !== 'generous' && text !== 'azure') throw new Error(`${text} is neither generous nor azure.`)
  return LIMIT_PROFILES[text]
}

function parseLimit(text: string): { name: LimitName; value: number | undefined } {
  const [, named, amount = ''] = /^([a-z-]+)=([1-9]\d{0,14}|none)$/.exec(text) ?? []
  const name = LIMIT_NAMES.find((known) => known === named)
  if (name === undefined)
    throw new Error(`${text} is not NAME=N (1 or more, or none) with one of ${LIMIT_NAMES.join(', ')}.`)
  return { name, value: amount === 'none' ? undefined : Number(amount) }
}

/** The limits in force: the profile, changed by those that were given one by one. */
export function serviceLimitsOf(config: ServeConfig): ServiceLimits {
  const limits = { ...config.limits }
  for (const { name, value } of config.limit) {
    if (value === undefined) delete limits[name]
    else limits[name] = value
  }
  return limits
}

function parseScanMode(text: string): ScanMode | 'off' {
  if (text !== 'required' && text !== 'best-effort' && text !== 'off') {
    throw new Error(`${text} is not one of required, best-effort, off.`)
  }
  return text
}

function parseScanMax(text: string): number {
  const bytes = Number(text)
  if (!/^\d{1,12}$/.test(text) || bytes < 1_048_576) throw new Error(`${text} is not a number of bytes from 1048576.`)
  return bytes
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

function parseLogLevel(text: string): string {
  if (!LOG_LEVELS.includes(text)) throw new Error(`${text} is not one of ${LOG_LEVELS.join(', ')}.`)
  return text
}

function parseRole(text: string) {
  const role = roleNamed(text)
  if (role === undefined) throw new Error(`${text} is not a role; the widest is "Device Update Administrator".`)
  return role
}

function parseMinutes(text: string): number {
  const minutes = Number(text)
  if (!/^\d{1,6}$/.test(text) || minutes < 1 || minutes > 525_600)
    throw new Error(`${text} is not a number of minutes from 1 to 525600.`)
  return minutes
}
