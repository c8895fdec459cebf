import type { BlobName } from '../../domain/blob.ts'
import { newContentId } from '../../domain/distribution.ts'
import type { Attempt, FileProgress } from '../../domain/operation.ts'
import type { Database, Statement } from '../../ports/database.ts'

/** Which file of which input an import is busy with. */
export interface FilePosition {
  item: number
  ordinal: number
}

/** What an attempt left behind of a file, for the next one to go on with. */
export interface PartialFile {
  partial: BlobName
  /** The strong ETag of the source that the bytes came from. */
  sourceEtag: string
}

/** A file that an import will fetch. */
export interface PlannedFile extends FilePosition {
  fileName: string
  sizeInBytes: number
}

/**
 * The statements that note the files that an import will fetch, each with a content id, for a batch that is guarded by the attempt. What an
 * earlier attempt noted about them stays.
 */
export function noteFiles({ operationId }: Attempt, files: readonly PlannedFile[]): Statement[] {
  return files.map(({ item, ordinal, fileName, sizeInBytes }) => ({
    sql: `insert into operation_files (operation_id, item, ordinal, file_name, size_in_bytes, bytes_done, phase, content_id)
          values ($1, $2, $3, $4, $5, 0, 'Waiting', $6) on conflict (operation_id, item, ordinal) do nothing`,
    params: [operationId, item, ordinal, fileName, sizeInBytes, newContentId()],
  }))
}

/** An attempt that was lost must not speak for the one that has the operation now, or after its end. */
const IF_HELD = `and exists (select 1 from operations where id = $3 and attempt = $6 and status = 'Running')`

/**
 * Notes how far a file is; nothing, if the attempt no longer holds the operation. Progress is news, not truth: it leaves the operation's
 * ETag alone.
 */
export async function noteProgress(
  database: Database,
  attempt: Attempt,
  position: FilePosition,
  progress: Pick<FileProgress, 'bytesDone' | 'phase'>,
): Promise<void> {
  const { sql, params } = progressStatement(attempt, position, progress)
  await database.query(sql, params)
}

/** The statement of `noteProgress`, for the batch of what it tells of. */
export function progressStatement(
  { operationId, attempt }: Attempt,
  { item, ordinal }: FilePosition,
  { bytesDone, phase }: Pick<FileProgress, 'bytesDone' | 'phase'>,
): Statement {
  return {
    sql: `update operation_files set bytes_done = $1, phase = $2
           where operation_id = $3 and item = $4 and ordinal = $5 ${IF_HELD}`,
    params: [bytesDone, phase, operationId, item, ordinal, attempt],
  }
}

/** Notes what the next attempt can go on with: before the first byte of it is written. Nothing, if the attempt was lost. */
export async function notePartial(
  database: Database,
  { operationId, attempt }: Attempt,
  { item, ordinal }: FilePosition,
  { partial, sourceEtag }: PartialFile,
): Promise<void> {
  await database.query(
    `update operation_files set partial = $1, source_etag = $2
      where operation_id = $3 and item = $4 and ordinal = $5 ${IF_HELD}`,
    [partial, sourceEtag, operationId, item, ordinal, attempt],
  )
}

/** Every partial blob that an operation may yet go on with. */
export async function listPartials(database: Database): Promise<Set<BlobName>> {
  const rows = await database.query(
    `select partial from operation_files where partial is not null and phase <> 'Done'
        and operation_id in (select id from operations where instance in (select instance from instances) and due_at > 0)`,
  )
  return new Set(rows.map((row) => String(row.partial) as BlobName))
}

/** What was noted of a file, by whichever attempt. */
export interface NotedFile extends FileProgress, FilePosition {
  contentId: string
  left?: PartialFile
}

/** How far the operation is with each file, in the order of the request. */
export async function listProgress(database: Database, operationId: string): Promise<NotedFile[]> {
  const rows = await database.query(
    `select item, ordinal, file_name, size_in_bytes, bytes_done, phase, content_id, partial, source_etag from operation_files
      where operation_id = $1 order by item, ordinal`,
    [operationId],
  )
  return rows.map((row) => ({
    item: Number(row.item),
    ordinal: Number(row.ordinal),
    fileName: String(row.file_name),
    sizeInBytes: Number(row.size_in_bytes),
    bytesDone: Number(row.bytes_done),
    phase: String(row.phase) as FileProgress['phase'],
    contentId: String(row.content_id),
    ...(row.partial !== null && {
      left: { partial: String(row.partial) as BlobName, sourceEtag: String(row.source_etag) },
    }),
  }))
}

/** How far operations are with all of their files together, by operation; those that have none noted have no entry. */
export async function sumProgress(
  database: Database,
  operationIds: readonly string[],
): Promise<Map<string, { sizeInBytes: number; bytesDone: number }>> {
  if (operationIds.length === 0) return new Map()
  const rows = await database.query(
    `select operation_id, sum(size_in_bytes) as size, sum(bytes_done) as done from operation_files
      where operation_id in (${operationIds.map((_, index) => `$${index + 1}`).join(', ')}) group by operation_id`,
    operationIds,
  )
  return new Map(
    rows.map((row) => [String(row.operation_id), { sizeInBytes: Number(row.size), bytesDone: Number(row.done) }]),
  )
}
