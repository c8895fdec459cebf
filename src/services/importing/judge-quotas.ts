import type { ErrorCode } from '../../domain/error-codes.ts'
import { AppError } from '../../domain/errors.ts'
import type { ServiceLimits } from '../../domain/service-limits.ts'
import { formatUpdateId, identityKey } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { countUsage } from '../../store/updates/usage.ts'
import type { Candidate, Objection } from './resolve-references.ts'

/**
 * Answers the quotas of its instance that an import would exceed, each as `AppError('UpdateLimitExceeded')`; the inner error, one of the
 * documented ones where there is one, says which quota.
 */
export async function judgeQuotas<Judged extends Candidate>(
  candidates: readonly Judged[],
  { database, instance, limits }: { database: Database; instance: string; limits: ServiceLimits },
): Promise<Objection<Judged>[]> {
  const { providers, names, versions, updates, bytes } = limits
  if ([providers, names, versions, updates, bytes].every((limit) => limit === undefined)) return []

  const bytesAdded = candidates
    .flatMap(({ manifest }) => manifest.files.flatMap((file) => [file, ...file.relatedFiles]))
    .reduce((sum, file) => sum + file.sizeInBytes, 0)
  // What the request adds so far: its updates count for those that stand after them as if they were there.
  const addedProviders = new Set<string>()
  const addedNames = new Map<string, Set<string>>()
  const objections: Objection<Judged>[] = []
  for (const [index, candidate] of candidates.entries()) {
    const { updateId } = candidate.manifest
    const usage = await countUsage(database, instance, updateId)
    const provider = identityKey(updateId.provider)
    const name = identityKey(updateId.name)
    const title = formatUpdateId(updateId)
    const judge = (code: ErrorCode, limit: number | undefined, used: number, sentence: string) => {
      if (limit === undefined || used <= limit) return
      objections.push({ candidate, error: exceeded(code, `${sentence} The quota is ${limit}.`, title) })
    }

    if (usage.names === 0) {
      addedProviders.add(provider)
      judge(
        'UpdateProvider',
        providers,
        usage.providers + addedProviders.size,
        'Cannot import additional update provider.',
      )
    }
    if (usage.versions === 0) {
      const ofProvider = addedNames.get(provider) ?? new Set()
      addedNames.set(provider, ofProvider.add(name))
      judge(
        'UpdateName',
        names,
        usage.names + ofProvider.size,
        'Cannot import additional update name for the specified provider.',
      )
    }
    const addedVersions = candidates
      .slice(0, index + 1)
      .map(({ manifest }) => manifest.updateId)
      .filter((other) => identityKey(other.provider) === provider && identityKey(other.name) === name)
    judge(
      'UpdateVersion',
      versions,
      usage.versions + addedVersions.length,
      'Cannot import additional update version for the specified provider and name.',
    )
    judge('UpdateTotal', updates, usage.updates + index + 1, 'Cannot import an additional update.')
    // The files are counted together, so once is enough.
    const total = usage.bytes + bytesAdded
    if (index === 0) judge('StorageTotal', bytes, total, `The files would take ${total} bytes in all.`)
  }
  return objections
}

function exceeded(code: ErrorCode, message: string, target: string): AppError {
  return new AppError('UpdateLimitExceeded', 'Error importing update due to exceeded limit.', {
    target,
    inner: new AppError(code, message),
  })
}
