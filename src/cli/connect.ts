import { readFile } from 'node:fs/promises'
import { type ApiClient, createApiClient } from '../client/api-client.ts'
import {
  type ClientConfig,
  KNOWN_SETTINGS,
  ONE_INSTANCE_SETTINGS,
  type OneInstanceConfig,
} from '../config/command-settings.ts'
import { readSettings } from '../config/read-settings.ts'
import { chooseCredential } from './credential.ts'
import { fetchFrom } from './fetch-from.ts'

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
