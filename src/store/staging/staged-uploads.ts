import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { StagedUpload, StagingOwner } from '../../domain/staged-upload.ts'
import type { Database, Row, SqlValue, Statement } from '../../ports/database.ts'
import { insertAudit } from '../audit.ts'
import { NOW } from '../clock.ts'
import { held } from '../held.ts'
import { releaseParts } from './staged-parts.ts'

/**
 * Records an upload that has no bytes yet, with the audit entry that tells of it. All of its size counts at once. Answers false, recording
 * nothing, where the uploads of the instance would have more than `bytesMax` together, or the owner has `uploadsMax` of them.
 */
export async function recordUpload(
  database: Database,
  { id, metadata, fileName, sizeInBytes }: Pick<StagedUpload, 'id' | 'metadata' | 'fileName' | 'sizeInBytes'>,
  { instance, subject, issuer }: StagingOwner,
  { keepMs, bytesMax, uploadsMax, audit }: { keepMs: number; bytesMax: number; uploadsMax: number; audit: AuditEntry },
): Promise<boolean> {
  return await held(
    database.batch([
      {
        sql: `insert into staged_uploads (id, instance, subject, issuer, metadata, file_name, size_in_bytes, bytes_received,
                created_at, keep_ms, expires_at)
              select $1, $2, $3, $4, $5, $6, $7, 0, ${NOW}, $8, ${NOW} + $9
               where (select coalesce(sum(size_in_bytes), 0) from staged_uploads
                       where instance = $10 and released_at is null) <= $11
                 and (select count(*) from staged_uploads
                       where instance = $10 and subject = $12 and issuer = $13 and released_at is null) < $14`,
        params: [
          ...[id, instance, subject, issuer, metadata, fileName, sizeInBytes, keepMs, keepMs],
          ...[instance, bytesMax - sizeInBytes, subject, issuer, uploadsMax],
        ],
        mustChangeRows: true,
      },
      insertAudit(audit),
    ]),
  )
}

/** How much is staged: bytes in the instance, and uploads of the owner. */
export async function stagingUsage(
  database: Database,
  { instance, subject, issuer }: StagingOwner,
): Promise<{ bytes: number; uploads: number }> {
  const [row] = await database.query(
    `select (select coalesce(sum(size_in_bytes), 0) from staged_uploads where instance = $1 and released_at is null) as bytes,
            (select count(*) from staged_uploads
              where instance = $1 and subject = $2 and issuer = $3 and released_at is null) as uploads`,
    [instance, subject, issuer],
  )
  return { bytes: Number(row?.bytes), uploads: Number(row?.uploads) }
}

const COLUMNS = 'id, metadata, file_name, size_in_bytes, bytes_received, created_at, expires_at, released_at'

/** An upload of this owner. */
export async function findUpload(
  database: Database,
  id: string,
  { instance, subject, issuer }: StagingOwner,
): Promise<StagedUpload | undefined> {
  const [row] = await database.query(
    `select ${COLUMNS} from staged_uploads where id = $1 and instance = $2 and subject = $3 and issuer = $4`,
    [id, instance, subject, issuer],
  )
  return row && uploadOf(row)
}

/** Where a page of uploads begins: after this one. */
export type UploadPosition = Pick<StagedUpload, 'createdAt' | 'id'>

/** The uploads of an owner that are not released, newest first. */
export async function listUploads(
  database: Database,
  { instance, subject, issuer }: StagingOwner,
  { after, limit }: { after: UploadPosition | undefined; limit: number },
): Promise<StagedUpload[]> {
  const params: SqlValue[] = [instance, subject, issuer, limit]
  if (after !== undefined) params.push(after.createdAt, after.id)
  const rows = await database.query(
    `select ${COLUMNS} from staged_uploads
      where instance = $1 and subject = $2 and issuer = $3 and released_at is null
        ${after === undefined ? '' : 'and (created_at, id) < ($5, $6)'}
      order by created_at desc, id desc limit $4`,
    params,
  )
  return rows.map(uploadOf)
}

/** Removes an upload of this owner, with the audit entry that tells of it. False where there was none. */
export async function removeUpload(
  database: Database,
  id: string,
  { instance, subject, issuer }: StagingOwner,
  audit: AuditEntry,
): Promise<boolean> {
  const parts = releaseParts('upload_id = $1', [id])
  return await held(
    database.batch([
      {
        // First, so that nothing of another owner's upload is touched.
        sql: `update staged_uploads set expires_at = 0
               where id = $1 and instance = $2 and subject = $3 and issuer = $4 and released_at is null`,
        params: [id, instance, subject, issuer],
        mustChangeRows: true,
      },
      ...parts,
      { sql: 'delete from staged_uploads where id = $1', params: [id] },
      insertAudit(audit),
    ]),
  )
}

/** Notes which uploads of its owner an operation names: for the batch that records it. Others are as if they were not there. */
export function nameUploads(operationId: string, ids: readonly string[], owner: StagingOwner): Statement[] {
  return ids.map((id) => ({
    sql: `insert into staged_uses (operation_id, upload_id)
          select $1, id from staged_uploads where id = $2 and instance = $3 and subject = $4 and issuer = $5`,
    params: [operationId, id, owner.instance, owner.subject, owner.issuer],
  }))
}

const OF_OPERATION = 'select upload_id from staged_uses where operation_id = $1'

/** Removes the uploads that an operation names: for the batch that publishes what they had. */
export function takeUploads(operationId: string): Statement[] {
  return [
    ...releaseParts(`upload_id in (${OF_OPERATION})`, [operationId]),
    { sql: `delete from staged_uploads where id in (${OF_OPERATION})`, params: [operationId] },
  ]
}

/**
 * Lets go of the uploads that an operation names: for the batch that ends it. Their time begins anew, so that they can
 * be imported again.
 */
export function freeUploads(operationId: string): Statement[] {
  return [
    {
      sql: `update staged_uploads set expires_at = ${NOW} + keep_ms where id in (${OF_OPERATION})`,
      params: [operationId],
    },
    { sql: 'delete from staged_uses where operation_id = $1', params: [operationId] },
  ]
}

/** An upload that an operation named, as a caller who owned it. */
export async function findUsedUpload(
  database: Database,
  { id, operationId }: { id: string; operationId: string },
): Promise<StagedUpload | undefined> {
  const [row] = await database.query(
    `select ${COLUMNS} from staged_uploads
      where id = $1 and exists (select 1 from staged_uses where operation_id = $2 and upload_id = staged_uploads.id)`,
    [id, operationId],
  )
  return row && uploadOf(row)
}

const IS_OVER = `released_at is null and expires_at <= ${NOW}
  and not exists (select 1 from staged_uses where staged_uses.upload_id = staged_uploads.id)`

/** Uploads whose time is over, the longest first, at most `limit` of them. */
export async function listExpiredUploads(database: Database, limit: number): Promise<string[]> {
  const rows = await database.query(`select id from staged_uploads where ${IS_OVER} order by expires_at limit $1`, [
    limit,
  ])
  return rows.map(({ id }) => String(id))
}

/** Gives the bytes of an upload away if its time is still over. Answers whether it did. */
export async function releaseUpload(database: Database, id: string): Promise<boolean> {
  return await held(
    database.batch([
      {
        sql: `update staged_uploads set released_at = ${NOW}, bytes_received = 0 where id = $1 and ${IS_OVER}`,
        params: [id],
        mustChangeRows: true,
      },
      ...releaseParts('upload_id = $1', [id]),
    ]),
  )
}

/** Forgets uploads that were released more than `ageMs` ago, at most `limit` of them. Answers how many. */
export async function forgetReleasedUploads(database: Database, ageMs: number, limit: number): Promise<number> {
  const rows = await database.query(
    `delete from staged_uploads where id in
       (select id from staged_uploads where released_at <= ${NOW} - $1 order by released_at limit $2)
     returning id`,
    [ageMs, limit],
  )
  return rows.length
}

function uploadOf(row: Row): StagedUpload {
  return {
    id: String(row.id),
    fileName: String(row.file_name),
    metadata: String(row.metadata),
    sizeInBytes: Number(row.size_in_bytes),
    bytesReceived: Number(row.bytes_received),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    isReleased: row.released_at !== null,
  }
}
