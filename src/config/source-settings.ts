import type { SourceLimits } from '../adapters/source/source-limits.ts'
import { parseAllowedSource } from '../adapters/source/source-policy.ts'
import { RETRY, type RetryPolicy } from '../services/sources/read-source.ts'
import type { Setting, ValuesOf } from './read-settings.ts'
import { parseTimer } from './values.ts'

/** Where files may be fetched from, and with how much patience. */
export const SOURCE_SETTINGS = {
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
} satisfies Record<string, Setting<unknown>>

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
export function sourceSettingsOf(config: ValuesOf<typeof SOURCE_SETTINGS>): {
  limits: Partial<SourceLimits>
  retry: RetryPolicy
} {
  const { triesMax, pauseMs, ...limits }: SourceLimit = Object.assign({}, ...config['source-limit'])
  return { limits, retry: { triesMax: triesMax ?? RETRY.triesMax, pauseMs: pauseMs ?? RETRY.pauseMs } }
}
