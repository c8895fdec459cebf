import type { Setting } from './read-settings.ts'
import { parseDuration, parseText } from './values.ts'

/** Where everything is kept, and for how long. */
export const STORAGE_SETTINGS = {
  data: {
    placeholder: 'DIR',
    description: 'folder that keeps all state',
    default: './data',
    parse: parseText,
  },
  'sweep-after': {
    placeholder: 'DURATION',
    description: 'how long bytes that no update names any more are kept',
    default: '24h',
    parse: parseDuration,
  },
} satisfies Record<string, Setting<unknown>>
