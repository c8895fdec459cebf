import { LIMIT_NAMES, LIMIT_PROFILES, type LimitName, type ServiceLimits } from '../domain/service-limits.ts'
import type { Setting, ValuesOf } from './read-settings.ts'

/** How much an instance may use. */
export const LIMIT_SETTINGS = {
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
} satisfies Record<string, Setting<unknown>>

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
export function serviceLimitsOf(config: ValuesOf<typeof LIMIT_SETTINGS>): ServiceLimits {
  const limits = { ...config.limits }
  for (const { name, value } of config.limit) {
    if (value === undefined) delete limits[name]
    else limits[name] = value
  }
  return limits
}
