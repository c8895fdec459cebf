import { parseAllowedSource } from '../adapters/source/source-policy.ts'
import type { Setting } from './read-settings.ts'
import { parseDuration } from './values.ts'

/** What is told of what has happened, and for how long. */
export const EVENT_SETTINGS = {
  'event-retention': {
    placeholder: 'DURATION',
    description: 'how long events are kept for those that were away when they happened',
    default: '7d',
    parse: parseRetention,
  },
  'allow-webhook': {
    placeholder: 'HOST-OR-CIDR[:PORT]',
    description:
      'private host or range that webhooks may be sent to (repeatable), over plain http too; public addresses always may, over https',
    isList: true,
    parse: parseAllowedSource,
  },
} satisfies Record<string, Setting<unknown>>

function parseRetention(text: string): number {
  const ms = parseDuration(text)
  if (ms < 60_000) throw new Error(`${text} is less than a minute: whoever loses the stream could not go on with it.`)
  return ms
}
