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

  for (const [index, { updateId }] of manifests.entries()) {
    const usage = await countUsage(database, instance, updateId)
    // Those of the same request that stand before this one count as if they were there.
    const before = manifests.slice(0, index).map((manifest) => manifest.updateId)
    const provider = identityKey(updateId.provider)
    const sameProvider = before.filter((other) => identityKey(other.provider) === provider)
    const sameName = sameProvider.filter((other) => identityKey(other.name) === identityKey(updateId.name))
    const distinct = (keys: string[]) => new Set(keys.map(identityKey)).size
    const title = formatUpdateId(updateId)
    const refuse = (code: ErrorCode, limit: number | undefined, used: number, sentence: string) => {
      if (limit !== undefined && used > limit) throw exceeded(code, `${sentence} The quota is ${limit}.`, title)
    }

    const isNewProvider = usage.names === 0 && sameProvider.length === 0
    const newProviders = distinct(before.map((other) => other.provider))
    if (isNewProvider) {
      refuse(
        'UpdateProvider',
        providers,
        usage.providers + newProviders + 1,
        'Cannot import additional update provider.',
      )
    }
    if (usage.versions === 0 && sameName.length === 0) {
      const newNames = distinct(sameProvider.map((other) => other.name))
      refuse(
        'UpdateName',
        names,
        usage.names + newNames + 1,
        'Cannot import additional update name for the specified provider.',
      )
    }
    refuse(
      'UpdateVersion',
      versions,
      usage.versions + sameName.length + 1,
      'Cannot import additional update version for the specified provider and name.',
    )
    refuse('UpdateTotal', updates, usage.updates + index + 1, 'Cannot import an additional update.')
    const newBytes = manifests.flatMap(({ files }) => files.flatMap((file) => [file, ...file.relatedFiles]))
    const total = usage.bytes + newBytes.reduce((sum, file) => sum + file.sizeInBytes, 0)
    refuse('StorageTotal', bytes, total, `The files would take ${total} bytes in all.`)
  }
}

function exceeded(code: ErrorCode, message: string, target: string): AppError {
  return new AppError('UpdateLimitExceeded', 'Error importing update due to exceeded limit.', {
    target,
    inner: new AppError(code, message),
  })
}
