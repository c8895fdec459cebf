import type { Database, Row } from '../../src/ports/database.ts'

const IDENTITY = `u.instance || '/' || u.provider || '/' || u.name || '/' || u.version`

/** Made anew with each import, or by the clock. */
const OWN = /^(id|update_id|operation_id|file_id|base_file_id|content_id|etag|idle_since|.*_at)$/

/** All that a catalogue says, without what differs between two that were made by the same requests. */
export async function catalogueOf(database: Database): Promise<Record<string, Row[]>> {
  const rows = async (sql: string) =>
    (await database.query(sql)).map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => !OWN.test(name))),
    )
  return {
    updates: await rows('select * from updates u order by instance, provider_key, name_key, version_order'),
    files: await rows(
      `select ${IDENTITY} as identity, b.file_name as base, f.* from files f join updates u on u.id = f.update_id
         left join files b on b.update_id = f.update_id and b.file_id = f.base_file_id order by 1, f.ordinal`,
    ),
    references: await rows(
      `select ${IDENTITY} as parent, c.provider || '/' || c.name || '/' || c.version as child
         from update_references r join updates u on u.id = r.parent_id join updates c on c.id = r.child_id order by 1, 2`,
    ),
    terms: await rows(
      `select ${IDENTITY} as identity, term from update_terms t join updates u on u.id = t.update_id order by 1, 2`,
    ),
    blobs: await rows('select sha256, size_in_bytes, verdict from blobs order by sha256'),
  }
}

/** How each operation stands, and with what error. */
export async function operationsOf(database: Database): Promise<Row[]> {
  return await database.query(
    `select kind, status, json_extract(error, '$.code') as code, json_extract(error, '$.inner.code') as inner_code
       from operations order by kind, status, code, inner_code`,
  )
}
