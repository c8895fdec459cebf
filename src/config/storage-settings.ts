import { parseStoreAddress } from '../adapters/object-store/store-address.ts'
import { readPostgresUrl } from '../adapters/postgres/postgres-address.ts'
import type { Setting } from './read-settings.ts'
import { parseDuration, parseSize, parseText } from './values.ts'

/** Where everything is kept, and for how long. */
export const STORAGE_SETTINGS = {
  data: {
    placeholder: 'DIR',
    description: 'folder that keeps all state, or with --database what is the node’s own',
    default: './data',
    parse: parseText,
  },
  database: {
    placeholder: 'URL',
    description:
      'PostgreSQL that any number of nodes share, postgres://USER:PASSWORD@HOST:PORT/DATABASE[?sslmode=verify-full] (default: SQLite in the data folder). Others on the machine see flags: give a password as PGPASSWORD, or all of it as variable',
    parse: parseDatabase,
  },
  store: {
    placeholder: 'DIR-OR-URL',
    description:
      'where the bytes of files are kept: a folder, azblob://CONTAINER[/PREFIX] or s3://BUCKET[/PREFIX], with the usual variables of each cloud (default: a folder in the data folder; with --database it must be said)',
    parse: parseStoreAddress,
  },
  'read-store': {
    placeholder: 'DIR-OR-URL',
    description: 'store that is only read, where --store lacks something: for moving from one to another (repeatable)',
    isList: true,
    parse: parseStoreAddress,
  },
  'sweep-after': {
    placeholder: 'DURATION',
    description: 'how long bytes that no update names any more are kept',
    default: '24h',
    parse: parseDuration,
  },
  'staging-expiry': {
    placeholder: 'DURATION',
    description:
      'how long an upload is kept for an import after its last byte, or after the last import of it that failed',
    default: '24h',
    parse: parseStagingExpiry,
  },
  'staging-max': {
    placeholder: 'SIZE',
    description: 'what the uploads of one instance may have together, while no import has taken them',
    default: '32GiB',
    parse: parseSize,
  },
} satisfies Record<string, Setting<unknown>>

/** Reads it once, so that a mistake is told with all others. */
function parseDatabase(text: string): string {
  readPostgresUrl(text)
  return text
}

function parseStagingExpiry(text: string): number {
  const ms = parseDuration(text)
  if (ms === 0) throw new Error(`${text}: what expires at once cannot be imported.`)
  return ms
}
