import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openSqlite } from '../adapters/sqlite/database-sqlite.ts'
import { openLocalIssuer } from '../adapters/tokens/local-issuer.ts'
import { KNOWN_SETTINGS, TOKEN_SETTINGS } from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import { DEFAULT_INSTANCE } from '../config/serve-settings.ts'
import type { Role } from '../domain/permissions.ts'
import { listInstances } from '../store/instances.ts'

/** `aduana token`: prints a bearer token and nothing else. Works beside a running server, since it only reads. */
export async function printToken(flags: Record<string, string | string[] | undefined>): Promise<void> {
  const config = readSettings(TOKEN_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const instances = config.instance.length > 0 ? config.instance : [await firstInstance(config.data)]
  console.log(await localToken({ ...config, instances }))
}

/** A token of the issuer that a data folder has. Throws where there is no Aduana in it. */
export async function localToken({
  data,
  role,
  instances,
  minutes,
}: {
  data: string
  role: Role
  instances: readonly string[]
  minutes: number
}): Promise<string> {
  if (!existsSync(join(data, 'installation.json'))) {
    throw new Error(`There is no Aduana in ${data}: start "aduana serve" first, or name its folder with --data.`)
  }
  const issuer = await openLocalIssuer({ folder: data })
  return issuer.issue({ subject: 'local', role, instances, minutes })
}

/** The instance that was made first. */
export async function firstInstance(data: string): Promise<string> {
  const path = join(data, 'aduana.db')
  if (!existsSync(path)) return DEFAULT_INSTANCE
  const database = openSqlite(path, { readOnly: true })
  try {
    const [first] = await listInstances(database)
    return first ?? DEFAULT_INSTANCE
  } finally {
    await database.close()
  }
}
