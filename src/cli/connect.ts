import { readFile } from 'node:fs/promises'
import { Agent, fetch as fetchWith } from 'undici'
import { type ApiClient, createApiClient } from '../client/api-client.ts'
import type { ClientConfig } from '../config/command-settings.ts'
import { roleNamed } from '../domain/permissions.ts'
import { instancesOf, localToken } from './token.ts'

/** What a command does may take long, and its token is shown to nobody. */
const TOKEN_MINUTES = 24 * 60

/** A client for each instance that the command names, or for the first one. Sends nothing yet. */
export async function connect(
  { server, instance: named, ca, data }: ClientConfig,
  { role: roleName }: { role: string },
): Promise<{ instance: string; client: ApiClient }[]> {
  const role = roleNamed(roleName)
  if (role === undefined) throw new Error(`There is no role ${roleName}.`)
  const instances = await instancesOf({ data, instance: named })
  const token = process.env.ADUANA_TOKEN || (await localToken({ data, role, instances, minutes: TOKEN_MINUTES }))
  const fetch = await fetchFrom(server, ca)
  return instances.map((instance) => ({
    instance,
    client: createApiClient({ baseUrl: server, token, instance, dialect: '2022', fetch }),
  }))
}

/** A `fetch` that trusts the CA, and says in a sentence which server does not answer. */
async function fetchFrom(server: string, ca: string | undefined): Promise<typeof globalThis.fetch> {
  const dispatcher = ca === undefined ? undefined : new Agent({ connect: { ca: await readFile(ca, 'utf8') } })
  return async (input, init) => {
    try {
      if (dispatcher === undefined) return await fetch(input, init)
      return (await fetchWith(input as URL, { ...(init as object), dispatcher })) as unknown as Response
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      const { code, message } = cause as { code?: string; message?: string }
      throw new Error(
        `No Aduana answers at ${server} (${code ?? message ?? cause}): start "aduana serve", or name it with --server and --ca.`,
        { cause: error },
      )
    }
  }
}
