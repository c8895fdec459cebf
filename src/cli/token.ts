import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLocalIssuer } from '../adapters/local-issuer.ts'
import { DEFAULT_INSTANCE, KNOWN_SETTINGS, TOKEN_SETTINGS } from '../config.ts'
import { readSettings } from '../read-settings.ts'

/** `aduana token`: prints a bearer token and nothing else. Works beside a running server, since it only reads. */
export async function printToken(flags: Record<string, string | string[] | undefined>): Promise<void> {
  const config = readSettings(TOKEN_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const issuer = await openLocalIssuer({ folder: config.data })
  const instances = config.instance.length > 0 ? config.instance : [firstInstance(config.data)]
  const token = await issuer.issue({ subject: 'local', role: config.role, instances, minutes: config.minutes })
  console.log(token)
}

/** The instance that was made first. */
function firstInstance(data: string): string {
  const path = join(data, 'aduana.db')
  if (!existsSync(path)) return DEFAULT_INSTANCE
  const database = new DatabaseSync(path, { readOnly: true, timeout: 1000 })
  try {
    const row = database.prepare('select instance from instances order by created_at, instance limit 1').get()
    return String(row?.instance ?? DEFAULT_INSTANCE)
  } finally {
    database.close()
  }
}
