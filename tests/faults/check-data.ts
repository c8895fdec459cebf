// Checks a data folder without trusting a line of the server's code: own SQL, own hashing, own reading of manifests.
//
//     node tests/faults/check-data.ts DATA-FOLDER [--quiescent]
//
// Prints what it found, one sentence a line; ends with 1 if that is anything.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { checkBlobs } from './check-blobs.ts'
import { checkOperations } from './check-operations.ts'
import { checkStaging } from './check-staging.ts'
import { checkUpdates } from './check-updates.ts'
import type { Finding } from './finding.ts'

export type { Finding, FindingCode } from './finding.ts'

export interface CheckOptions {
  /** With `aduana.db` and `blobs/` in it. Nobody should write to it meanwhile. */
  folder: string
  /**
   * Nothing runs and everything was swept: `sweep` without a grace period, `sweepLeftovers` over files of any age (it spares what is
   * younger than a day, so they have to be made to look old), partials dropped. Then nothing may be left that no update names.
   */
  quiescent?: boolean
}

/** Answers everything in a data folder that breaks a promise; empty where all is well. */
export async function checkData({ folder, quiescent = false }: CheckOptions): Promise<Finding[]> {
  const path = join(folder, 'aduana.db')
  const store = join(folder, 'blobs')
  // Opening would make an empty one.
  if (!existsSync(path)) return [{ code: 'database-unreadable', sentence: `There is no ${path}.` }]
  let database: DatabaseSync
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  } catch (error) {
    return [{ code: 'database-unreadable', sentence: `${path} cannot be opened: ${(error as Error).message}.` }]
  }
  try {
    // One view of the whole, whatever is written meanwhile.
    database.exec('begin')
    const damages = checkDatabase(database)
    // What is damaged cannot be asked about its contents.
    if (damages.some(({ code }) => code === 'database-damaged')) return damages
    return [
      ...damages,
      ...(await checkUpdates(database, { store })),
      ...(await checkBlobs(database, { store, quiescent })),
      ...checkOperations(database, { quiescent }),
      ...checkStaging(database),
    ]
  } catch (error) {
    return [{ code: 'database-unreadable', sentence: `${path} cannot be read: ${(error as Error).message}.` }]
  } finally {
    database.close()
  }
}

function checkDatabase(database: DatabaseSync): Finding[] {
  const lines = database.prepare('pragma integrity_check').all() as { integrity_check: string }[]
  const damages = lines.map(({ integrity_check }) => integrity_check).filter((line) => line !== 'ok')
  if (damages.length > 0) {
    return [{ code: 'database-damaged', sentence: `SQLite says of the database: ${damages.slice(0, 5).join('; ')}.` }]
  }
  const broken = database.prepare('pragma foreign_key_check').all() as {
    table: string
    rowid: number
    parent: string
  }[]
  return broken
    .filter(({ parent }) => parent !== 'blobs') // Found with the updates, by name.
    .map(({ table, rowid, parent }): Finding => {
      return {
        code: 'reference-broken',
        sentence: `Row ${rowid} of ${table} names a row of ${parent} that is not there.`,
      }
    })
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { quiescent: { type: 'boolean' } } })
  const [folder] = positionals
  if (folder === undefined) {
    console.error('usage: node tests/faults/check-data.ts DATA-FOLDER [--quiescent]')
    process.exit(2)
  }
  const findings = await checkData({ folder, ...values })
  for (const { code, sentence } of findings) console.log(`${code}: ${sentence}`)
  if (findings.length > 0) process.exitCode = 1
}
