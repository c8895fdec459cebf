import type { BlobName } from '../../domain/blob.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { NOW } from '../clock.ts'

/** A copy that the catalogue says is in force. */
export interface CopyInForce {
  sha256: string
  name: BlobName
  sizeInBytes: number
}

/** The copies in force in the order of their digests, `limit` of them, the first one after `after` (in hex). */
export async function listCopies(
  database: Database,
  { after, limit }: { after: string; limit: number },
): Promise<CopyInForce[]> {
  const rows = await database.query(
    'select sha256, name, size_in_bytes from blobs where sha256 > $1 order by sha256 limit $2',
    [after, limit],
  )
  return rows.map((row) => ({
    sha256: String(row.sha256),
    name: String(row.name) as BlobName,
    sizeInBytes: Number(row.size_in_bytes),
  }))
}

export async function sumCopies(database: Database): Promise<{ count: number; bytes: number }> {
  const [row] = await database.query('select count(*) as count, coalesce(sum(size_in_bytes), 0) as bytes from blobs')
  return { count: Number(row?.count), bytes: Number(row?.bytes) }
}

/** What needs a content, for people: "firmware.swu of Contoso/Toaster/1.0 in instance blue". At most `limit` of them. */
export async function listUsers(database: Database, sha256: string, limit: number): Promise<string[]> {
  const rows = await database.query(
    `select u.instance, u.provider, u.name, u.version, f.file_name
       from files f join updates u on u.id = f.update_id where f.sha256 = $1
     union all
     select u.instance, u.provider, u.name, u.version, null from updates u where u.manifest_sha256 = $1
     union all
     select u.instance, null, null, null, u.id from staged_parts p join staged_uploads u on u.id = p.upload_id
      where p.sha256 = $1 and p.is_kept
     order by 1, 2, 3, 4 limit $2`,
    [sha256, limit],
  )
  return rows.map((row) => {
    if (row.provider === null) return `the staged upload ${row.file_name} in instance ${row.instance}`
    const updateId = { provider: String(row.provider), name: String(row.name), version: String(row.version) }
    const what = row.file_name === null ? 'the import manifest' : String(row.file_name)
    return `${what} of ${formatUpdateId(updateId)} in instance ${row.instance}`
  })
}

/** How many blobs have been idle for longer than `ms`, apart from parts of uploads, which may go at once: 0 says nothing of how long. */
export async function countIdleBlobs(database: Database, ms: number): Promise<number> {
  const [row] = await database.query(
    `select count(*) as count from blobs where idle_since > 0 and idle_since <= ${NOW} - $1`,
    [ms],
  )
  return Number(row?.count)
}

/** Rows of updates and files that do not fit those of their blobs, at most `limit`, as full sentences. */
export async function listMisfits(database: Database, limit: number): Promise<string[]> {
  const rows = await database.query(
    `select u.instance, u.provider, u.name, u.version, f.file_name, f.sha256, f.size_in_bytes as stated, b.size_in_bytes as kept
       from files f join updates u on u.id = f.update_id left join blobs b on b.sha256 = f.sha256
      where b.sha256 is null or b.size_in_bytes <> f.size_in_bytes
     union all
     select u.instance, u.provider, u.name, u.version, null, u.manifest_sha256, null, null
       from updates u where not exists (select 1 from blobs b where b.sha256 = u.manifest_sha256)
     union all
     select u.instance, null, null, null, u.id, p.sha256, p.size_in_bytes, b.size_in_bytes
       from staged_parts p join staged_uploads u on u.id = p.upload_id left join blobs b on b.sha256 = p.sha256
      where p.is_kept and (b.sha256 is null or b.size_in_bytes <> p.size_in_bytes)
     limit $1`,
    [limit],
  )
  return rows.map((row) => {
    if (row.provider === null) {
      return `The staged upload ${row.file_name} in instance ${row.instance} lacks a part (SHA-256 ${row.sha256}). Delete it.`
    }
    const updateId = { provider: String(row.provider), name: String(row.name), version: String(row.version) }
    const what = row.file_name === null ? 'The import manifest' : String(row.file_name)
    const whose = `${what} of ${formatUpdateId(updateId)} in instance ${row.instance}`
    return row.kept === null
      ? `${whose} has no row in blobs (SHA-256 ${row.sha256}).`
      : `${whose} has ${row.stated} bytes, but its blob ${row.sha256} is noted with ${row.kept}.`
  })
}
