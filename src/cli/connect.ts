import { readFile } from 'node:fs/promises'
import type { Agent } from 'undici'
import { type ApiClient, createApiClient } from '../client/api-client.ts'
import {
  type ClientConfig,
  KNOWN_SETTINGS,
  ONE_INSTANCE_SETTINGS,
  type OneInstanceConfig,
} from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import { chooseCredential } from './credential.ts'
import { CommandError } from './report.ts'

/** A server as one command speaks to it. */
export interface Connection {
  server: string
  instance: string
  client: ApiClient
  /** A good token: asked for each request, since commands may take longer than tokens live. */
  token: () => Promise<string>
  /** The PEM of the CA to trust, where one was named. */
  ca: string | undefined
}

/** The connection that the flags of a command ask for. Sends nothing yet, unless a token has to be renewed. */
export async function connect(
  flags: Record<string, string | string[] | undefined>,
  { role }: { role: string },
): Promise<Connection> {
  const config = readSettings(ONE_INSTANCE_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const [connection] = await connections({ ...config, instance: config.instance ? [config.instance] : [] }, { role })
  if (connection === undefined) throw new Error('No instance is named.')
  return connection
}

/** A connection for each instance that the command names, or for the first one. */
export async function connections(
  {
    server,
    instance: named,
    ca: caPath,
    data,
  }: ClientConfig | (Omit<OneInstanceConfig, 'instance'> & { instance: string[] }),
  { role }: { role: string },
): Promise<Connection[]> {
  const ca = caPath === undefined ? undefined : await readFile(caPath, 'utf8')
  const fetch = fetchFrom(server, ca)
  const { instances, token } = await chooseCredential({ server, data, named, role })
  return instances.map((instance) => ({
    server,
    instance,
    client: createApiClient({ baseUrl: server, token, instance, dialect: '2022', fetch }),
    token,
    ca,
  }))
}

/** A `fetch` that trusts the CA, and says in a sentence which server does not answer. */
export function fetchFrom(server: string, ca: string | string[] | undefined): typeof globalThis.fetch {
  let dispatcher: Agent | undefined
  return async (input, init) => {
    try {
      if (ca === undefined) return await fetch(input, init)
      const { Agent, fetch: fetchWith } = await import('undici')
      dispatcher ??= new Agent({ connect: { ca } })
      return (await fetchWith(input as URL, { ...(init as object), dispatcher })) as unknown as Response
    } catch (error) {
      if (init?.signal?.aborted) throw error
      throw new NoAnswer(server, error)
    }
  }
}

/** Nobody listens there, or not with a certificate that is trusted. */
export class NoAnswer extends CommandError {
  constructor(server: string, error: unknown) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const { code, message } = cause as { code?: string; message?: string }
    super(
      `No Aduana answers at ${server} (${code ?? message ?? cause}): start "aduana serve", or name it with --server and --ca.`,
    )
    this.cause = error
  }
}
