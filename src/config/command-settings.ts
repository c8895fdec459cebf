import { parseStoreAddress } from '../adapters/object-store/store-address.ts'
import { roleNamed } from '../domain/permissions.ts'
import type { Setting, ValuesOf } from './read-settings.ts'
import { SERVE_SETTINGS } from './serve-settings.ts'
import { STORAGE_SETTINGS } from './storage-settings.ts'
import { parseInstance, parseText } from './values.ts'

/** The settings of the commands beside `serve`, by their flags. */

export const TOKEN_SETTINGS = {
  data: STORAGE_SETTINGS.data,
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

/** Those of the server that say what there is to examine. */
export const DOCTOR_SETTINGS = {
  ...STORAGE_SETTINGS,
  distribute: SERVE_SETTINGS.distribute,
  scanner: SERVE_SETTINGS.scanner,
  'scan-max': SERVE_SETTINGS['scan-max'],
  'tls-cert': SERVE_SETTINGS['tls-cert'],
  'tls-key': SERVE_SETTINGS['tls-key'],
} satisfies Record<string, Setting<unknown>>

export type DoctorConfig = ValuesOf<typeof DOCTOR_SETTINGS>

/** Of backup and restore: which data folder, and what of the server is elsewhere. */
export const BACKUP_SETTINGS = {
  data: STORAGE_SETTINGS.data,
  database: {
    ...STORAGE_SETTINGS.database,
    description: 'PostgreSQL of the server: refused, since it has tools of its own',
  },
  store: STORAGE_SETTINGS.store,
} satisfies Record<string, Setting<unknown>>

/** Of copying from one store to another. */
export const MOVE_STORE_SETTINGS = {
  data: { ...STORAGE_SETTINGS.data, description: 'data folder with the catalogue, unless there is a --database' },
  database: { ...STORAGE_SETTINGS.database, description: 'PostgreSQL with the catalogue' },
  from: {
    placeholder: 'DIR-OR-URL',
    description: 'store to copy from (default: blobs in the data folder)',
    parse: parseStoreAddress,
  },
  to: { placeholder: 'DIR-OR-URL', description: 'store to copy to', parse: parseStoreAddress },
} satisfies Record<string, Setting<unknown>>

/** Of copying the catalogue of a data folder into a PostgreSQL. */
export const MOVE_DATABASE_SETTINGS = {
  data: STORAGE_SETTINGS.data,
  database: { ...STORAGE_SETTINGS.database, description: 'PostgreSQL to copy to; nobody must have used it' },
} satisfies Record<string, Setting<unknown>>

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
    parse: parseText,
  },
  data: {
    ...STORAGE_SETTINGS.data,
    description: 'data folder of the server, to make a token of its local issuer where ADUANA_TOKEN has none',
  },
} satisfies Record<string, Setting<unknown>>

export type ClientConfig = ValuesOf<typeof CLIENT_SETTINGS>

/** The same for a command that speaks about one instance. */
export const ONE_INSTANCE_SETTINGS = {
  server: CLIENT_SETTINGS.server,
  instance: {
    placeholder: 'NAME',
    description: 'instance (default: the one that was made first where --data tells it, else "default")',
    parse: parseInstance,
  },
  ca: CLIENT_SETTINGS.ca,
  data: {
    ...STORAGE_SETTINGS.data,
    description: 'data folder of the server, on its own machine: who may read its key needs no "aduana login"',
  },
} satisfies Record<string, Setting<unknown>>

export type OneInstanceConfig = ValuesOf<typeof ONE_INSTANCE_SETTINGS>

/** Of a login link: what its token gives, and which page it opens. */
export const LINK_SETTINGS = {
  ...TOKEN_SETTINGS,
  server: { ...CLIENT_SETTINGS.server, description: 'server as the browser reaches it' },
} satisfies Record<string, Setting<unknown>>

/**
 * The flags of every command: a variable of one command is not a mistake for another. `ADUANA_TOKEN` is no flag, since
 * others see those.
 */
export const KNOWN_SETTINGS: readonly string[] = [
  ...Object.keys(SERVE_SETTINGS),
  ...Object.keys(TOKEN_SETTINGS),
  ...Object.keys(CLIENT_SETTINGS),
  ...Object.keys(MOVE_STORE_SETTINGS),
  'token',
]

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

function parseServer(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
    throw new Error(`${text} is not the address of a server, such as http://127.0.0.1:8480.`)
  }
  return url.origin
}
