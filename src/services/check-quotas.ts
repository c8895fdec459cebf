import type { ErrorCode } from '../domain/error-codes.ts'
import { AppError } from '../domain/errors.ts'
import type { ImportManifest } from '../domain/import-manifest.ts'
import type { ServiceLimits } from '../domain/service-limits.ts'
import { formatUpdateId, identityKey } from '../domain/update-id.ts'
import type { Database } from '../ports/database.ts'
import { countUsage } from '../store/usage.ts'

/**
 * Refuses an import that would exceed a quota of its instance. Throws `AppError('UpdateLimitExceeded')`; the inner error, one of the
 * documented ones where there is one, says which quota.
 */
export async function checkQuotas(
  manifests: readonly ImportManifest[],
  { database, instance, limits }: { database: Database; instance: string; limits: ServiceLimits },
): Promise<void> {
  const { providers, names, versions, updates, bytes } = limits
  if ([providers, names, versions, updates, bytes].every((limit) => limit === undefined)) return

  const bytesAdded = manifests
    .flatMap(({ files }) => files.flatMap((file) => [file, ...file.relatedFiles]))
    .reduce((sum, file) => sum + file.sizeInBytes, 0)
  // What the request adds so far: its updates count for those that stand after them as if they were there.
  const addedProviders = new Set<string>()
  const addedNames = new Map<string, Set<string>>()
  for (const [index, { updateId }] of manifests.entries()) {
    const usage = await countUsage(database, instance, updateId)
    const provider = identityKey(updateId.provider)
    const name = identityKey(updateId.name)
    const title = formatUpdateId(updateId)
    const refuse = (code: ErrorCode, limit: number | undefined, used: number, sentence: string) => {
      if (limit !== undefined && used > limit) throw exceeded(code, `${sentence} The quota is ${limit}.`, title)
    }

    if (usage.names === 0) {
      addedProviders.add(provider)
      refuse(
        'UpdateProvider',
        providers,
        usage.providers + addedProviders.size,
        'Cannot import additional update provider.',
      )
    }
    if (usage.versions === 0) {
      const ofProvider = addedNames.get(provider) ?? new Set()
      addedNames.set(provider, ofProvider.add(name))
      refuse(
        'UpdateName',
        names,
        usage.names + ofProvider.size,
        'Cannot import additional update name for the specified provider.',
      )
    }
    const addedVersions = manifests
      .slice(0, index + 1)
      .filter((other) => identityKey(other.updateId.provider) === provider && identityKey(other.updateId.name) === name)
    refuse(
      'UpdateVersion',
      versions,
      usage.versions + addedVersions.length,
      'Cannot import additional update version for the specified provider and name.',
    )
    refuse('UpdateTotal', updates, usage.updates + index + 1, 'Cannot import an additional update.')
    const total = usage.bytes + bytesAdded
    refuse('StorageTotal', bytes, total, `The files would take ${total} bytes in all.`)
  }
}

function exceeded(code: ErrorCode, message: string, target: string): AppError {
  return new AppError('UpdateLimitExceeded', 'Error importing update due to exceeded limit.', {
    target,
    inner: new AppError(code, message),
  })
}
