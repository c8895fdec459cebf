import { join } from 'node:path'
import { openSqlite } from '../../src/adapters/sqlite/database-sqlite.ts'
import { seedUpdates, simpleManifest } from '../support/seed-catalogue.ts'
import { type Aduana, startAduana } from '../support/start-aduana.ts'

/** More than two pages. */
export const MANY = 201
export const MANY_VERSIONS: readonly string[] = Array.from({ length: MANY }, (_, index) => `1.${MANY - index}`)
export const MANY_ID = { provider: 'Many', name: 'Toaster' }

export interface ForClients extends AsyncDisposable {
  aduana: Aduana
  /** Host and port of the https listener, as clients of Azure want their endpoint. */
  endpoint: string
  /** Path of the certificate authority to trust. */
  ca: string
  /** Of an administrator of both instances. */
  token: string
}

/** A real server with the instance `default`, which is empty, and `many`, which has `MANY` updates, each by an operation of its own. */
export async function startForClients(): Promise<ForClients> {
  const flags = ['--instance', 'default', '--instance', 'many', '--allow-source', '127.0.0.0/8']
  const first = await startAduana({ flags })
  await first.stop()
  const database = openSqlite(join(first.folder, 'aduana.db'), { writesHere: true })
  for (const version of MANY_VERSIONS.toReversed()) {
    await seedUpdates(database, [{ manifest: simpleManifest({ ...MANY_ID, version }) }], { instance: 'many' })
  }
  await database.close()
  const aduana = await first.restart()
  return {
    aduana,
    endpoint: new URL(aduana.httpsUrl).host,
    ca: join(aduana.folder, 'tls/ca.pem'),
    token: await aduana.token('--instance', 'default', '--instance', 'many'),
    [Symbol.asyncDispose]: () => aduana[Symbol.asyncDispose](),
  }
}
