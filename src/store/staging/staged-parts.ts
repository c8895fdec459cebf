import type { BlobName } from '../../domain/blob.ts'
import type { Database, SqlValue, Statement } from '../../ports/database.ts'
import { NOW } from '../clock.ts'
import { held } from '../held.ts'

/** Some bytes of an upload, in the order in which they came. */
export interface StagedPart {
  uploadId: string
  /** Where in the upload its first byte stands. */
  start: number
  /** In hex. */
  sha256: string
  sizeInBytes: number
}

/**
 * Notes a part whose bytes are going to be stored, at the end of what the upload has: from now on sweep spares a blob with this content.
 * False where the upload ends elsewhere by now, or is gone.
 */
export async function notePart(
  database: Database,
  { uploadId, start, sha256, sizeInBytes }: StagedPart,
): Promise<boolean> {
  return await held(
    database.batch([
      {
        sql: `insert into staged_parts (upload_id, start, sha256, size_in_bytes, is_kept)
              select id, bytes_received, $1, $2, false from staged_uploads
               where id = $3 and bytes_received = $4 and released_at is null
              on conflict (upload_id, start, sha256) do update set size_in_bytes = excluded.size_in_bytes`,
        params: [sha256, sizeInBytes, uploadId, start],
        mustChangeRows: true,
      },
      { sql: 'update blobs set idle_since = null where sha256 = $1', params: [sha256] },
    ]),
  )
}

/**
 * Counts a part whose bytes are stored: the upload goes on behind it, and its time begins anew. False, changing nothing, where others were
 * first: of two that send at the same place one wins.
 */
export async function keepPart(
  database: Database,
  { uploadId, start, sha256, sizeInBytes }: StagedPart,
): Promise<boolean> {
  return await held(
    database.batch([
      {
        sql: `update staged_uploads set bytes_received = $1, expires_at = ${NOW} + keep_ms
               where id = $2 and bytes_received = $3 and released_at is null`,
        params: [start + sizeInBytes, uploadId, start],
        mustChangeRows: true,
      },
      {
        sql: 'update staged_parts set is_kept = true where upload_id = $1 and start = $2 and sha256 = $3',
        params: [uploadId, start, sha256],
        mustChangeRows: true,
      },
      // Those that others noted here meanwhile, or before their process died.
      ...releaseParts('upload_id = $1 and start <= $2 and not is_kept', [uploadId, start]),
    ]),
  )
}

/** Forgets a part that was noted, but is not kept. */
export async function dropPart(
  database: Database,
  { uploadId, start, sha256 }: Pick<StagedPart, 'uploadId' | 'start' | 'sha256'>,
): Promise<void> {
  await database.batch(
    releaseParts('upload_id = $1 and start = $2 and sha256 = $3 and not is_kept', [uploadId, start, sha256]),
  )
}

/**
 * Lets go of parts. Sweep may take their blobs with its next pass, unless something else names them: nobody reads what nobody can import
 * any more, and it would fill the disk that it no longer counts for.
 */
export function releaseParts(where: string, params: readonly SqlValue[]): Statement[] {
  return [
    {
      // Without a condition on what changes: SQLite would look through all blobs that are not idle.
      sql: `update blobs set idle_since = coalesce(idle_since, 0)
             where sha256 in (select sha256 from staged_parts where ${where})`,
      params,
    },
    { sql: `delete from staged_parts where ${where}`, params },
  ]
}

/** How many pieces of an upload are kept. */
export async function countParts(database: Database, uploadId: string): Promise<number> {
  const [row] = await database.query('select count(*) as count from staged_parts where upload_id = $1', [uploadId])
  return Number(row?.count)
}

/** The parts of an upload from the one on that has the byte at `position`, in their order. `blob` is undefined where its row is lost. */
export async function listParts(
  database: Database,
  { uploadId, position }: { uploadId: string; position: number },
): Promise<{ start: number; sizeInBytes: number; sha256: string; blob: BlobName | undefined }[]> {
  const rows = await database.query(
    `select p.start, p.size_in_bytes, p.sha256, b.name as blob
       from staged_parts p left join blobs b on b.sha256 = p.sha256
      where p.upload_id = $1 and p.is_kept and p.start + p.size_in_bytes > $2 order by p.start`,
    [uploadId, position],
  )
  return rows.map((row) => ({
    start: Number(row.start),
    sizeInBytes: Number(row.size_in_bytes),
    sha256: String(row.sha256),
    blob: row.blob === null ? undefined : (String(row.blob) as BlobName),
  }))
}
