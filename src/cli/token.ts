import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isNodeFolder } from '../adapters/filesystem/node-name.ts'
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
  const instances = await instancesOf(config)
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

/**
 * The instances that are named, or the one that was made first. A node's folder does not tell which: then it is the
 * usual one, and a sentence on standard error says so.
 */
export async function instancesOf({
  data,
  instance,
}: {
  data: string
  instance: readonly string[]
}): Promise<readonly string[]> {
  if (instance.length > 0) return instance
  if (!isNodeFolder(data)) return [await firstInstance(data)]
  console.error(`aduana: The instance is taken to be "${DEFAULT_INSTANCE}". Name another one with --instance.`)
  return [DEFAULT_INSTANCE]
}

async function firstInstance(data: string): Promise<string> {
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
