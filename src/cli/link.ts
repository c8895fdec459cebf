import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openLoginCodes } from '../adapters/tokens/login-codes.ts'
import { KNOWN_SETTINGS, LINK_SETTINGS } from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import type { Role } from '../domain/permissions.ts'
import { instancesOf } from './token.ts'

/** `aduana link`: prints a link that opens the portal signed in, once, and nothing else. Works beside a running server. */
export async function printLink(flags: Record<string, string | string[] | undefined>): Promise<void> {
  const { data, server, instance, role, minutes } = readSettings(LINK_SETTINGS, {
    flags,
    environment: process.env,
    known: KNOWN_SETTINGS,
  })
  await refuseForeign(data)
  console.log(await makeLink({ folder: data, server, instances: await instancesOf({ data, instance }), role, minutes }))
}

/** A link to the portal at `server` that signs in once, within ten minutes, and for as long as `minutes` say. */
export async function makeLink({
  folder,
  server,
  instances,
  role,
  minutes,
}: {
  folder: string
  server: string
  instances: readonly string[]
  role: Role
  minutes: number
}): Promise<string> {
  const code = await openLoginCodes({ folder }).make({ role, instances, minutes })
  // Browsers keep to themselves what stands behind the #: it is in no log and no Referer.
  return `${server}/#code=${code}`
}

/** Throws where there is no Aduana in the folder, or one whose server could not read what root writes for itself alone. */
async function refuseForeign(data: string): Promise<void> {
  const installation = await stat(join(data, 'installation.json')).catch((error) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (installation === undefined) {
    throw new Error(`There is no Aduana in ${data}: start "aduana serve" first, or name its folder with --data.`)
  }
  if (process.getuid?.() === 0 && installation.uid !== 0) {
    throw new Error(
      `Run this as the user that runs the server (uid ${installation.uid}): it could not read a code of root.`,
    )
  }
}
