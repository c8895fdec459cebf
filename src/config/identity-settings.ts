import { parseOidcIssuer } from '../adapters/tokens/oidc-issuer-setting.ts'
import type { Setting, ValuesOf } from './read-settings.ts'
import { parseDuration, parseSwitch, parseText } from './values.ts'

/** Whose tokens open the server, and what they give. */
export const IDENTITY_SETTINGS = {
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
  'oidc-client-id': {
    placeholder: 'ID',
    description:
      'public client (one without a secret) by which people sign in at the first OIDC issuer, in a browser or with "aduana login"',
    parse: parseClientId,
  },
  'oidc-scope': {
    placeholder: 'SCOPES',
    description:
      'what that client asks the issuer for (default: openid profile offline_access, at Entra ID AUDIENCE/user_impersonation as well)',
    parse: parseText,
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
    parse: parseText,
  },
  'local-issuer': {
    placeholder: 'on|off',
    description: 'whether tokens of "aduana token" are accepted (default: on, but off with --oidc-issuer)',
    parse: parseSwitch,
  },
} satisfies Record<string, Setting<unknown>>

/** Whether the tokens of the local issuer open the server. */
export function isLocalIssuerOn(config: ValuesOf<typeof IDENTITY_SETTINGS>): boolean {
  return config['local-issuer'] ?? config['oidc-issuer'].length === 0
}

function parseClientId(text: string): string {
  if (!/^[\x21-\x7e]{1,256}$/.test(text)) throw new Error(`"${text}" is no id of a client.`)
  return text
}

function parseAudience(text: string): string {
  if (text.trim() === '') throw new Error('An audience must not be empty.')
  return text
}
