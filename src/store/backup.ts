import type { BlobName } from '../domain/blob.ts'
import { AppError } from '../domain/errors.ts'
import { asOperationError, type OperationKind } from '../domain/operation.ts'
import { wireTime } from '../domain/times.ts'
import { formatUpdateId } from '../domain/update-id.ts'
import type { Database, Statement } from '../ports/database.ts'
import { NOW } from './clock.ts'
import { newEtag } from './etags.ts'
import { tellEnded } from './events/events.ts'

/** What a copy of the catalogue must not have, by table: an operation's request holds source URLs with their signatures. */
export const SECRET_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  operations: ['request'],
  // A server that is restored for a trial must not tell anybody of it.
  webhooks: ['secret'],
}

/**
 * Makes a fresh copy of the catalogue fit for a server to begin with. What was in progress cannot go on, since the requests are not in
 * the copy: it has failed. Of the blobs those remain that an update names, and the mark of the store; none is on its way out. Answers
 * how many operations were in progress.
 */
export async function settleCopy(catalogue: Database): Promise<number> {
  const unfinished = await catalogue.query('select id, kind from operations where due_at is not null')
  await catalogue.batch([
    ...unfinished.flatMap(({ id, kind }) => interrupt(String(id), VERBS[String(kind) as OperationKind])),
    { sql: 'delete from blob_holds' },
    // Whoever uploaded it still has it, and what is imported is in the backup.
    { sql: 'delete from staged_uses' },
    { sql: 'delete from staged_parts' },
    { sql: 'delete from staged_uploads' },
    {
      sql: `delete from blobs
             where not exists (select 1 from files where files.sha256 = blobs.sha256)
               and not exists (select 1 from updates where updates.manifest_sha256 = blobs.sha256)
               and not exists (select 1 from shared_keys where shared_keys.value = blobs.name)`,
    },
    { sql: 'update blobs set idle_since = null where idle_since is not null' },
  ])
  return unfinished.length
}

const VERBS: Readonly<Record<OperationKind, string>> = { import: 'Import', delete: 'Delete', check: 'Check' }

function interrupt(operationId: string, verb: string): Statement[] {
  const error = new AppError(
    'InterruptedByRestore',
    `This operation was in progress when the backup was made that this server was restored from. ${verb} again.`,
  )
  const kept = asOperationError(error, wireTime(Date.now()))
  return [
    {
      sql: `update operations set status = 'Failed', error = $1, ended_at = ${NOW}, last_action_at = ${NOW}, due_at = null, etag = $2
             where id = $3`,
      params: [JSON.stringify(kept), newEtag(), operationId],
    },
    tellEnded(operationId, kept),
  ]
}

/** How much a settled copy names. */
export async function countCopy(catalogue: Database): Promise<{ updates: number; blobs: number; blobBytes: number }> {
  const [row] = await catalogue.query(
    `select (select count(*) from updates) as updates, count(*) as blobs, coalesce(sum(size_in_bytes), 0) as bytes from blobs`,
  )
  return { updates: Number(row?.updates), blobs: Number(row?.blobs), blobBytes: Number(row?.bytes) }
}

/** The next blobs of a settled copy, in the order of their SHA-256, which begins with the name. */
export async function listCopyBlobs(
  catalogue: Database,
  { after, limit }: { after: string; limit: number },
): Promise<{ name: BlobName; sizeInBytes: number }[]> {
  const rows = await catalogue.query(
    'select name, size_in_bytes from blobs where sha256 > $1 order by sha256 limit $2',
    [after.slice(0, 64), limit],
  )
  return rows.map((row) => ({ name: String(row.name) as BlobName, sizeInBytes: Number(row.size_in_bytes) }))
}

/** An update that needs a blob, for people: there may be more. */
export async function describeUser(catalogue: Database, name: BlobName): Promise<string> {
  const [row] = await catalogue.query(
    `select instance, provider, name, version from updates
      where manifest_sha256 = $1 or id in (select update_id from files where sha256 = $1) limit 1`,
    [name.slice(0, 64)],
  )
  // The mark of the store.
  if (row === undefined) return 'no update'
  const { instance, ...updateId } = row as unknown as { instance: string } & Parameters<typeof formatUpdateId>[0]
  return `${formatUpdateId(updateId)} in ${instance}`
}
