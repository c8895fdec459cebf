import { join } from 'node:path'
import { copyStore, moveDatabase } from '../compose/move.ts'
import { KNOWN_SETTINGS, MOVE_DATABASE_SETTINGS, MOVE_STORE_SETTINGS } from '../config/command-settings.ts'
import { ConfigurationError, readSettings } from '../config/read-settings.ts'
import { count } from './terminal/amounts.ts'

type Flags = Record<string, string | string[] | undefined>

/** `aduana move-store`: copies what one store has to another, beside running servers. */
export async function moveStore(flags: Flags, { verify = false, json = false }: { verify?: boolean; json?: boolean }) {
  const { data, database, from, to } = readSettings(MOVE_STORE_SETTINGS, {
    flags,
    environment: process.env,
    known: KNOWN_SETTINGS,
  })
  if (to === undefined) throw new ConfigurationError(['--to is missing: the store to copy to.'])
  if (database !== undefined && from === undefined) {
    throw new ConfigurationError(['--from is missing: with --database the old store is in no data folder.'])
  }
  const report = await copyStore({
    data,
    database,
    from: from ?? { kind: 'folder', path: join(data, 'blobs') },
    to,
    verify,
  })
  if (json) return console.log(JSON.stringify(report))
  const { copiedBlobs, copiedBytes } = report
  console.log(
    copiedBlobs === 0
      ? 'Nothing was left to copy: the new store has everything.'
      : `Copied ${count(copiedBlobs, 'blob')} of ${copiedBytes} bytes. The new store has everything that was there until now.`,
  )
}

/** `aduana move-database`: copies the catalogue of a data folder into a PostgreSQL. */
export async function moveCatalogue(flags: Flags, { json = false }: { json?: boolean }) {
  const { data, database } = readSettings(MOVE_DATABASE_SETTINGS, {
    flags,
    environment: process.env,
    known: KNOWN_SETTINGS,
  })
  if (database === undefined) throw new ConfigurationError(['--database is missing: the PostgreSQL to copy to.'])
  const report = await moveDatabase({ data, database })
  if (json) return console.log(JSON.stringify(report))
  console.log(
    `Copied ${count(report.rows, 'row')}. Start the server with the same --data, this --database, and a --store that has the bytes.`,
  )
}
