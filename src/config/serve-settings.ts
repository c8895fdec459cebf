import { DISTRIBUTION_SETTINGS, distributionMistakes } from './distribution-settings.ts'
import { EVENT_SETTINGS } from './event-settings.ts'
import { IDENTITY_SETTINGS } from './identity-settings.ts'
import { LIMIT_SETTINGS } from './limit-settings.ts'
import { LISTENING_SETTINGS } from './listening-settings.ts'
import { ConfigurationError, type Setting, type ValuesOf } from './read-settings.ts'
import { SCANNER_SETTINGS } from './scanner-settings.ts'
import { SOURCE_SETTINGS } from './source-settings.ts'
import { STORAGE_SETTINGS } from './storage-settings.ts'
import { parseInstance, parseTimer } from './values.ts'

/** Every setting of the server, by its flag. `docs/configuration.md` is made from this table. */
export const SERVE_SETTINGS = {
  ...STORAGE_SETTINGS,
  ...DISTRIBUTION_SETTINGS,
  run: {
    placeholder: 'ROLES',
    description:
      'what this node does: api answers requests, worker runs operations and keeps house; without api it listens at --metrics only',
    default: 'api,worker',
    parse: parseRoles,
  },
  ...LISTENING_SETTINGS,
  instance: {
    placeholder: 'NAME',
    description: 'instance to make if it is not there yet (repeatable; default: one called "default")',
    isList: true,
    parse: parseInstance,
  },
  ...IDENTITY_SETTINGS,
  ...SOURCE_SETTINGS,
  ...SCANNER_SETTINGS,
  ...LIMIT_SETTINGS,
  ...EVENT_SETTINGS,
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

/** The instance that is there unless others are named. */
export const DEFAULT_INSTANCE = 'default'

/** What settings demand of each other. Throws `ConfigurationError` with every mistake. */
export function checkTogether(config: ServeConfig): void {
  const hasIssuer = config['oidc-issuer'].length > 0
  const { isApi, isWorker } = config.run
  const mistakes = [
    config.database !== undefined &&
      config.store === undefined &&
      '--database needs --store: one that all nodes reach, since each serves what another has imported.',
    !(isApi && isWorker) &&
      config.database === undefined &&
      '--run with one of api and worker needs --database: who else should do the other part?',
    (config['tls-cert'] === undefined) !== (config['tls-key'] === undefined) &&
      '--tls-cert and --tls-key belong together.',
    hasIssuer !== config['oidc-audience'].length > 0 && '--oidc-issuer and --oidc-audience belong together.',
    config.assignments !== undefined && !hasIssuer && '--assignments needs an --oidc-issuer.',
    config['oidc-client-id'] !== undefined && !hasIssuer && '--oidc-client-id needs an --oidc-issuer.',
    config['oidc-scope'] !== undefined &&
      config['oidc-client-id'] === undefined &&
      '--oidc-scope needs an --oidc-client-id, which asks for it.',
    config['local-issuer'] === false &&
      !hasIssuer &&
      '--local-issuer off needs an --oidc-issuer, or nobody could sign in.',
    ...distributionMistakes(config, [
      { kind: 'folder', path: config.data },
      ...(config.store ? [config.store] : []),
      ...config['read-store'],
    ]),
  ].filter((mistake) => mistake !== false)
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
}

/** What a node does. */
export interface Roles {
  isApi: boolean
  isWorker: boolean
}

function parseRoles(text: string): Roles {
  const roles = text.split(',').map((role) => role.trim())
  if (roles.some((role) => role !== 'api' && role !== 'worker')) {
    throw new Error(`${text} is not api, worker, or api,worker.`)
  }
  return { isApi: roles.includes('api'), isWorker: roles.includes('worker') }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

function parseLogLevel(text: string): string {
  if (!LOG_LEVELS.includes(text)) throw new Error(`${text} is not one of ${LOG_LEVELS.join(', ')}.`)
  return text
}
