import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import type { Readable } from 'node:stream'
import { openSqlite } from '../src/adapters/sqlite/database-sqlite.ts'
import { validManifest } from '../tests/support/import-manifests.ts'
import { manifestOf, seedUpdates } from '../tests/support/seed-catalogue.ts'
import type { Aduana } from '../tests/support/start-aduana.ts'
import { startServer } from './aduana.ts'
import { type Child, startChild } from './child.ts'

const INSTANCE = 'default'
const UPDATE_ID = { provider: 'Contoso', name: 'Toaster', version: '1.0' }

/** One address, and the process that answers it. */
export interface Asked {
  url: string
  headers: Record<string, string>
  pid: number
}

/** Get Update of one and the same update, and a bare route that sends the same bytes. Both are processes of their own. */
export interface UpdateRace extends AsyncDisposable {
  aduana: Asked
  bare: Asked
}

export async function prepareUpdateRace(folder: string): Promise<UpdateRace> {
  await using closing = new AsyncDisposableStack()
  const unseeded = closing.use(await startServer(folder))
  await unseeded.stop()
  await seedOne(unseeded)
  const aduana = closing.use(await unseeded.restart())
  const path = (at: string[]) => `/deviceUpdate/${at[0]}/updates/providers/${at[1]}/names/${at[2]}/versions/${at[3]}`
  const asked = path([INSTANCE, UPDATE_ID.provider, UPDATE_ID.name, UPDATE_ID.version])
  const url = `${aduana.httpUrl}${asked}?api-version=2022-10-01`
  const headers = { authorization: `Bearer ${await aduana.token()}` }
  const answer = await fetch(url, { headers })
  if (answer.status !== 200) throw new Error(`Get Update answers ${answer.status}.`)

  const databasePath = join(folder, 'bare.db')
  storeDocument(databasePath, await answer.text())
  const pattern = path([':instanceId', ':provider', ':name', ':version'])
  const bare = closing.use(startBareRoute(databasePath, pattern))
  const [origin] = (await once(createInterface(bare.process.stdout as Readable), 'line')) as [string]
  const opened = closing.move()
  return {
    aduana: { url, headers, pid: aduana.process.pid ?? 0 },
    bare: { url: `${origin}${asked}`, headers: {}, pid: bare.pid },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

function startBareRoute(databasePath: string, pattern: string): Child {
  return startChild(process.execPath, [join(import.meta.dirname, 'bare-route.ts'), databasePath, pattern])
}

/** As good as an import for reading. No server may be running: its worker would take the operation that is made up for it. */
async function seedOne({ folder }: Aduana): Promise<void> {
  const database = openSqlite(join(folder, 'aduana.db'))
  await seedUpdates(database, [{ manifest: { ...manifestOf(validManifest('5.0')), references: [] } }])
  await database.close()
}

function storeDocument(path: string, body: string): void {
  const database = new DatabaseSync(path)
  database.exec(
    'create table documents (instance text, provider text, name text, version text, body text, primary key (instance, provider, name, version))',
  )
  const { provider, name, version } = UPDATE_ID
  database.prepare('insert into documents values (?, ?, ?, ?, ?)').run(INSTANCE, provider, name, version, body)
  database.close()
}
