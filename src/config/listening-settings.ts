import { CLIENT_LIMITS, type ClientLimits } from '../http/admission/listeners.ts'
import type { Setting, ValuesOf } from './read-settings.ts'
import { parseHostPort, parseText, parseTimer } from './values.ts'

/** Where the server is reached, as what, and what its clients may hold up. */
export const LISTENING_SETTINGS = {
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
  'public-url': {
    placeholder: 'URL',
    description: 'how devices reach this server, for content addresses (default: as the caller reached it)',
    parse: parsePublicUrl,
  },
  'tls-cert': {
    placeholder: 'FILE',
    description: 'own certificate chain for https, in PEM; without it a private CA makes one',
    parse: parseText,
  },
  'tls-key': { placeholder: 'FILE', description: 'private key of --tls-cert, in PEM', parse: parseText },
  'client-limit': {
    placeholder: 'NAME=VALUE',
    description: `what clients may hold up (repeatable): connections=${CLIENT_LIMITS.connectionsMax} at each listener; headers=20s, request=60s until they are here; silence=5m without a byte sent or taken`,
    isList: true,
    parse: parseClientLimit,
  },
} satisfies Record<string, Setting<unknown>>

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
export function clientLimitsOf(config: ValuesOf<typeof LISTENING_SETTINGS>): ClientLimits {
  return Object.assign({}, CLIENT_LIMITS, ...config['client-limit'])
}

function parsePublicUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new Error(`${text} is not an http or https URL without query, such as https://updates.example.com.`)
  }
  return url.href.replace(/\/$/, '')
}
