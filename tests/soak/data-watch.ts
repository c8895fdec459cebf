import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const DAY_MS = 24 * 3600 * 1000

/** Looks into the data folder of a running server, from outside. */
export interface DataWatch extends Disposable {
  /** Sizes of files, numbers of files, and the rows of each table. */
  measure(): Record<string, number>
  /** Blobs that sweep has yet to look at. */
  idleBlobs(): number
  /**
   * Makes ended operations, audit entries and events, all but the newest `kept` of each, as old as the server keeps them: it forgets them at its
   * next sweep. What would take a week and ninety days comes to pass in a run, with the server's own means.
   */
  makeOld(kept: number): void
}

export function watchData(folder: string): DataWatch {
  const database = new DatabaseSync(join(folder, 'aduana.db'), { timeout: 5000 })
  // The server sees to what is durable, and when the log is emptied.
  database.exec('pragma synchronous = off; pragma wal_autocheckpoint = 0')
  const tables = database
    .prepare(`select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name`)
    .all()
    .map(({ name }) => String(name))
  const countOf = (sql: string) => Number(database.prepare(sql).get()?.count)

  return {
    measure: () => ({
      'database file': sizeOf(join(folder, 'aduana.db')),
      'write-ahead log': sizeOf(join(folder, 'aduana.db-wal')),
      'audit.jsonl': sizeOf(join(folder, 'audit.jsonl')),
      'files in blobs': filesIn(join(folder, 'blobs', 'v1')),
      'files in partial': filesIn(join(folder, 'blobs', 'partial')),
      ...Object.fromEntries(
        tables.map((table) => [`rows of ${table}`, countOf(`select count(*) as count from ${table}`)]),
      ),
    }),
    idleBlobs: () => countOf('select count(*) as count from blobs where idle_since is not null'),
    makeOld(kept) {
      const now = Date.now()
      database
        .prepare(
          `update operations set created_at = created_at - $1, last_action_at = last_action_at - $1, ended_at = ended_at - $1
            where ended_at > $2 and id not in
              (select id from operations where ended_at is not null order by ended_at desc limit $3)`,
        )
        .run({ $1: 7 * DAY_MS, $2: now - DAY_MS, $3: kept })
      database
        .prepare(
          `update audit set at = at - $1
            where at > $2 and id not in (select id from audit order by at desc, id desc limit $3)`,
        )
        .run({ $1: 90 * DAY_MS, $2: now - DAY_MS, $3: kept })
      database
        .prepare(
          `update events set at = at - $1
            where at > $2 and id not in (select id from events order by number desc limit $3)`,
        )
        .run({ $1: 7 * DAY_MS, $2: now - DAY_MS, $3: kept })
    },
    [Symbol.dispose]: () => database.close(),
  }
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}

function filesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
}
