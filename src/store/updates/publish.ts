import { randomBytes } from 'node:crypto'
import type { ImportManifest, ManifestBaseFile } from '../../domain/import-manifest.ts'
import { type JsonValue, jsonText } from '../../domain/json-text.ts'
import type { Attempt } from '../../domain/operation.ts'
import { identityKey, versionOrder } from '../../domain/update-id.ts'
import { type ScanResult, worstOf } from '../../domain/verdict.ts'
import { BatchConflict, type Database, type Statement } from '../../ports/database.ts'
import { guardNotInfected } from '../blobs/verdicts.ts'
import { NOW } from '../clock.ts'
import { wantCopiesOf } from '../distribution/distribution.ts'
import { newEtag } from '../etags.ts'
import { tellImported } from '../events/events.ts'
import { endStatements } from '../operations/attempts.ts'
import { takeUploads } from '../staging/staged-uploads.ts'
import { searchTerms } from './search-terms.ts'

/** An update whose bytes are all in the store, ready to become visible. */
export interface NewUpdate {
  /** Made by `newUpdateId`. */
  id: string
  manifest: ImportManifest
  manifestSha256: string
  friendlyName?: string
  /** Of each file and related file, by file name. */
  contents: ReadonlyMap<string, NewContent>
}

export interface NewContent {
  /** Made by `newContentId`. */
  contentId: string
  /** In hex. */
  sha256: string
  scanResult: ScanResult
  scanDetails?: string
}

/**
 * What forbade a publication. `changed`: an identity was taken or a child deleted meanwhile, so the caller looks again. `infected`: since
 * this import scanned a content, somebody else found malware in it.
 */
export type PublishRefusal = 'lost-attempt' | 'changed' | 'infected'

export function newUpdateId(): string {
  return randomBytes(16).toString('hex')
}

/**
 * Publishes all updates of an import and ends its operation in one batch: all of it becomes visible at once, or, where
 * this answers a refusal, none of it. What was staged for the import is removed. `childIds` are the updates that each
 * `id` references, imported earlier or published with it. The files are wanted at each of the `distribution` stores,
 * some of which have them already.
 */
export async function publishUpdates(
  database: Database,
  {
    attempt,
    instance,
    updates,
    childIds,
    distribution = [],
  }: {
    attempt: Attempt
    instance: string
    updates: readonly NewUpdate[]
    childIds: ReadonlyMap<string, readonly string[]>
    distribution?: readonly { store: string; isThere: boolean }[]
  },
): Promise<PublishRefusal | undefined> {
  const guards = [...takeUploads(attempt.operationId), ...endStatements(attempt, { status: 'Succeeded' })]
  const inserts = updates.flatMap((update) => [
    insertUpdate(instance, update, attempt.operationId),
    ...insertFiles(instance, update),
    ...distribution.map((store) => wantCopiesOf(update.id, store)),
    ...insertTerms(instance, update),
    tellImported(attempt.operationId, update.manifest.updateId),
  ])
  // Only now is every parent and every child there, in whatever order they came.
  const references = updates.flatMap(({ id }) =>
    (childIds.get(id) ?? []).flatMap((childId) => [
      { sql: 'insert into update_references (parent_id, child_id) values ($1, $2)', params: [id, childId] },
      // The child's `referencedBy` has changed.
      { sql: 'update updates set etag = $1 where id = $2', params: [newEtag(), childId] },
    ]),
  )
  const contents = new Set(updates.flatMap((update) => [...update.contents.values()].map(({ sha256 }) => sha256)))
  // Always in the same order, so that two imports never wait for each other's rows.
  const scans = [...contents].sort().map(guardNotInfected)
  try {
    await database.batch([...guards, ...scans, ...inserts, ...references])
    return undefined
  } catch (error) {
    if (!(error instanceof BatchConflict)) throw error
    if (error.statement < guards.length) return 'lost-attempt'
    return error.statement < guards.length + scans.length ? 'infected' : 'changed'
  }
}

function insertUpdate(
  instance: string,
  { id, manifest, manifestSha256, friendlyName, contents }: NewUpdate,
  operationId: string,
): Statement {
  const { provider, name, version } = manifest.updateId
  return {
    sql: `insert into updates (id, instance, provider, name, version, provider_key, name_key, version_order, description,
            friendly_name, is_deployable, update_type, installed_criteria, compatibility, steps, manifest_version,
            manifest_sha256, created_date_time, imported_at, scan_result, etag, operation_id)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, ${NOW}, $19, $20, $21)`,
    params: [
      id,
      instance,
      provider,
      name,
      version,
      identityKey(provider),
      identityKey(name),
      versionOrder(version),
      manifest.description ?? null,
      friendlyName ?? null,
      manifest.isDeployable,
      manifest.updateType ?? null,
      manifest.installedCriteria ?? null,
      manifest.compatibility.text,
      manifest.steps ? jsonText(manifest.steps as unknown as JsonValue) : null,
      manifest.manifestVersion,
      manifestSha256,
      manifest.createdDateTime,
      worstOf([...contents.values()].map(({ scanResult }) => scanResult)),
      newEtag(),
      operationId,
    ],
  }
}

function insertFiles(instance: string, { id, manifest, contents }: NewUpdate): Statement[] {
  const statements: Statement[] = []
  const insert = (
    file: ManifestBaseFile,
    base: { fileId: string } | undefined,
    downloadHandlerId: string | undefined,
  ) => {
    const content = contents.get(file.fileName)
    if (content === undefined) throw new Error(`${file.fileName} was not ingested before publishing`)
    // The form of file ids on the original service since 2022 (recorded traffic): the letter f and 16 hex digits.
    const fileId = `f${randomBytes(8).toString('hex')}`
    statements.push({
      sql: `insert into files (update_id, file_id, ordinal, base_file_id, instance, file_name, size_in_bytes, hashes, sha256,
              properties, mime_type, download_handler_id, content_id, scan_result, scan_details, etag)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
      params: [
        id,
        fileId,
        statements.length,
        base?.fileId ?? null,
        instance,
        file.fileName,
        file.sizeInBytes,
        JSON.stringify(file.hashes),
        content.sha256,
        file.properties?.text ?? null,
        file.mimeType ?? null,
        downloadHandlerId ?? null,
        content.contentId,
        content.scanResult,
        content.scanDetails ?? null,
        newEtag(),
      ],
    })
    return { fileId }
  }
  for (const file of manifest.files) {
    const base = insert(file, undefined, file.downloadHandlerId)
    for (const related of file.relatedFiles) insert(related, base, undefined)
  }
  return statements
}

function insertTerms(instance: string, { id, manifest, friendlyName }: NewUpdate): Statement[] {
  const { provider, name, version } = manifest.updateId
  const texts = [provider, name, version, manifest.description ?? '', friendlyName ?? '']
  return searchTerms(texts.join(' ')).map((term) => ({
    sql: `insert into update_terms (instance, term, provider_key, name_key, version_order, is_deployable, update_id)
          values ($1, $2, $3, $4, $5, $6, $7)`,
    params: [
      instance,
      term,
      identityKey(provider),
      identityKey(name),
      versionOrder(version),
      manifest.isDeployable,
      id,
    ],
  }))
}
