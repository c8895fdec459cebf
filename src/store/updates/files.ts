import type { BlobName } from '../../domain/blob.ts'
import { RawJson } from '../../domain/json-text.ts'
import type { BaseFile, UpdateFile } from '../../domain/update.ts'
import type { ScanResult } from '../../domain/verdict.ts'
import type { Database, Row } from '../../ports/database.ts'

/**
 * The files of an update in the order of its manifest, each with its related files; undefined if the update is not there any more. One
 * statement asks for both, so that an update which is deleted meanwhile never looks like one without files.
 */
export async function listFiles(database: Database, updateRowId: string): Promise<UpdateFile[] | undefined> {
  const rows = await database.query(
    'select f.* from updates u left join files f on f.update_id = u.id where u.id = $1 order by f.ordinal',
    [updateRowId],
  )
  if (rows.length === 0) return undefined
  const files = new Map<string, UpdateFile>()
  for (const row of rows) {
    if (row.file_id === null) continue
    const named = { fileId: String(row.file_id), contentId: String(row.content_id) }
    if (row.base_file_id !== null) {
      files.get(String(row.base_file_id))?.relatedFiles.push({ ...named, ...baseFileOf(row) })
      continue
    }
    files.set(named.fileId, {
      ...named,
      ...baseFileOf(row),
      relatedFiles: [],
      ...(row.download_handler_id !== null && { downloadHandlerId: String(row.download_handler_id) }),
      etag: String(row.etag),
    })
  }
  return [...files.values()]
}

function baseFileOf(row: Row): BaseFile {
  return {
    fileName: String(row.file_name),
    sizeInBytes: Number(row.size_in_bytes),
    hashes: JSON.parse(String(row.hashes)),
    ...(row.mime_type !== null && { mimeType: String(row.mime_type) }),
    ...(row.properties !== null && { properties: new RawJson(String(row.properties)) }),
    scanResult: String(row.scan_result) as ScanResult,
    ...(row.scan_details !== null && { scanDetails: String(row.scan_details) }),
  }
}

/** What is served under a content address. */
export interface Content {
  fileName: string
  sizeInBytes: number
  sha256: string
  blob: BlobName
  scanResult: ScanResult
}

export async function findContent(database: Database, contentId: string): Promise<Content | undefined> {
  const [row] = await database.query(
    `select f.file_name, f.size_in_bytes, f.sha256, f.scan_result, b.name as blob
       from files f join blobs b on b.sha256 = f.sha256 where f.content_id = $1`,
    [contentId],
  )
  return (
    row && {
      fileName: String(row.file_name),
      sizeInBytes: Number(row.size_in_bytes),
      sha256: String(row.sha256),
      blob: String(row.blob) as BlobName,
      scanResult: String(row.scan_result) as ScanResult,
    }
  )
}
