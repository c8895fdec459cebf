import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_INSTANCE } from '../config/serve-settings.ts'
import { roleNamed } from '../domain/permissions.ts'
import { freshToken } from './login/fresh-token.ts'
import { openLogins } from './login/logins.ts'
import { CommandError } from './report.ts'

/** Of a token that a command makes itself, again and again where it takes long: whatever the token reaches, it is soon worth nothing. */
const TOKEN_MINUTES = 30
const RENEW_MS = 15 * 60_000

export interface Credential {
  instances: readonly string[]
  token: () => Promise<string>
}

/**
 * Whom a command speaks as: the token in `ADUANA_TOKEN`, else who logged in at that server, else the local issuer whose key is in the data
 * folder, with a token of the role that the command needs. Throws a `CommandError` that says what to do where there is none of them.
 */
export async function chooseCredential({
  server,
  data,
  named,
  role: roleName,
}: {
  server: string
  data: string
  /** Instances that were named; where none were, the credential decides. */
  named: readonly string[]
  role: string
}): Promise<Credential> {
  const given = process.env.ADUANA_TOKEN
  if (given) return { instances: await instancesIn(data, named), token: async () => given }

  const logins = openLogins()
  if ((await logins.find(server)) !== undefined) {
    return {
      instances: named.length > 0 ? named : [DEFAULT_INSTANCE],
      token: () => freshToken(server, { logins }),
    }
  }

  if (!existsSync(join(data, 'installation.json'))) {
    throw new CommandError(
      `Nobody is signed in at ${server}. Sign in with "aduana login --server ${server}", put a token into ADUANA_TOKEN, or, on the machine of the server, name its data folder with --data.`,
    )
  }
  const role = roleNamed(roleName)
  if (role === undefined) throw new Error(`There is no role ${roleName}.`)
  const instances = await instancesIn(data, named)
  const { localToken } = await import('./token.ts')
  const make = () => localToken({ data, role, instances, minutes: TOKEN_MINUTES })
  let made = { at: performance.now(), token: await make() }
  return {
    instances,
    async token() {
      if (performance.now() - made.at > RENEW_MS) made = { at: performance.now(), token: await make() }
      return made.token
    },
  }
}

/** Those that were named, or the one that was made first in a data folder of this machine. */
async function instancesIn(data: string, named: readonly string[]): Promise<readonly string[]> {
  if (named.length > 0) return named
  // With it comes the database.
  const { instancesOf } = await import('./token.ts')
  return await instancesOf({ data, instance: named })
}
