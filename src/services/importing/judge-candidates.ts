import { hexOfBase64 } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { ImportInput } from '../../domain/import-request.ts'
import type { ClaimedOperation } from '../../domain/operation.ts'
import type { ServiceLimits } from '../../domain/service-limits.ts'
import type { Update } from '../../domain/update.ts'
import { formatUpdateId, type UpdateId } from '../../domain/update-id.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { listBlobsOf } from '../../store/blobs/blobs.ts'
import { findManifestSha256, findUpdate } from '../../store/updates/updates.ts'
import { judgeQuotas } from './judge-quotas.ts'
import { type Candidate, type Objection, resolveReferences } from './resolve-references.ts'

/** What the catalogue has to say about importing some updates together. */
export interface Judgement<Judged extends Candidate> {
  /** Identities that are taken and quotas that would be exceeded: each an error that an import ends with. */
  objections: Objection<Judged>[]
  /** Each a mistake that an import tells together with the others. */
  wrongReferences: Objection<Judged>[]
  /** The `id`s of the children by the `id` of the parent. */
  childIds: Map<string, string[]>
}

export interface JudgeOptions<Judged> {
  operation: Pick<ClaimedOperation, 'instance' | 'createdAt'>
  database: Database
  blobs: BlobStore
  limits: ServiceLimits
  /**
   * Gets those that are there already, but have lost bytes: the very same update once more is welcome then. They take over the id of
   * the update that is there.
   */
  healed: Set<Judged>
}

/** Judges updates by what the catalogue has now; others may change it the moment after. */
export async function judgeCandidates<Judged extends Candidate & { input: ImportInput }>(
  candidates: readonly Judged[],
  options: JudgeOptions<Judged>,
): Promise<Judgement<Judged>> {
  const { database, limits, healed, operation } = options
  const { instance } = operation
  const objections: Objection<Judged>[] = []
  for (const candidate of candidates) {
    const error = await judgeIdentity(candidate, options)
    if (error !== undefined) objections.push({ candidate, error })
  }
  const added = candidates.filter((candidate) => !healed.has(candidate))
  objections.push(...(await judgeQuotas(added, { database, instance, limits })))
  const { wrong: wrongReferences, childIds } = await resolveReferences(candidates, { database, instance })
  return { objections, wrongReferences, childIds }
}

/** The error where the identity is taken. */
async function judgeIdentity<Judged extends Candidate & { input: ImportInput }>(
  candidate: Judged,
  { operation, healed, database, blobs }: JudgeOptions<Judged>,
): Promise<AppError | undefined> {
  const { manifest, input } = candidate
  const existing = await findUpdate(database, operation.instance, manifest.updateId)
  if (existing === undefined) {
    healed.delete(candidate)
    return undefined
  }
  const sha256 = hexOfBase64(input.importManifest.hashes.sha256 ?? '')
  const isSame = (await findManifestSha256(database, existing.id)) === sha256
  if (isSame && (healed.has(candidate) || (await wantsBytes(existing, { operation, database, blobs })))) {
    candidate.id = existing.id
    healed.add(candidate)
    return undefined
  }
  if (!isSame || existing.importedAt < operation.createdAt) return alreadyExists(existing.updateId)
  return new AppError(
    'DuplicateContentImport',
    `Identical content imported simultaneously multiple times: ${formatUpdateId(existing.updateId)} was imported by another operation at the same time.`,
    { target: formatUpdateId(existing.updateId) },
  )
}

/** Whether the store has lost something of an update, or an attempt at this operation has already brought something back. */
async function wantsBytes(
  existing: Update,
  { operation, database, blobs }: Pick<JudgeOptions<never>, 'operation' | 'database' | 'blobs'>,
): Promise<boolean> {
  for (const { name, sizeInBytes, storedAt } of await listBlobsOf(database, existing.id)) {
    if (existing.importedAt < operation.createdAt && storedAt >= operation.createdAt) return true
    if ((await blobs.size(name)) !== sizeInBytes) return true
  }
  return false
}

function alreadyExists(updateId: UpdateId): AppError {
  return new AppError(
    'UpdateAlreadyExists',
    `Update with the same identity already exists: ${formatUpdateId(updateId)}. Give it a new version, or delete the old one first.`,
    { target: formatUpdateId(updateId) },
  )
}
