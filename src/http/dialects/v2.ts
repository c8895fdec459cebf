import { wireTime } from '../../domain/times.ts'
import type { Update } from '../../domain/update.ts'
import type { Dialect } from './dialect.ts'
import { operationMembers, updateUnder } from './members.ts'

/** The private preview, which is also the specification 2020-09-01: no `api-version`, `/v2` in the path. */
export function v2(): Dialect {
  const base = (instance: string) => `/deviceupdate/${instance}/v2/updates`
  const updatePath: Dialect['updatePath'] = (instance, updateId) => updateUnder(base(instance), updateId)
  return {
    name: 'v2',
    sendsLocation: true,
    filesRequired: true,
    operationPath: (instance, operationId) => `${base(instance)}/operations/${operationId}`,
    updatePath,

    update(update) {
      const { updateId, compatibility, manifestVersion, importedAt, createdDateTime, etag } = update
      return {
        updateId: { ...updateId },
        ...handlerOf(update),
        compatibility,
        manifestVersion,
        importedDateTime: wireTime(importedAt),
        createdDateTime,
        etag,
      }
    },

    file({ fileId, fileName, sizeInBytes, hashes, mimeType, etag }) {
      return { fileId, fileName, sizeInBytes, hashes, mimeType, etag }
    },

    operation(operation) {
      return operationMembers(operation, updatePath, { updateId: operation.update && { ...operation.update.updateId } })
    },
  }
}

/**
 * 2020-09-01 requires `updateType` and `installedCriteria`, which manifests since 4.0 do not have. For a single inline step they are
 * its handler and what that step says; anything else is run by the device's own steps handler, and counts as installed by its version.
 */
function handlerOf({ updateType, installedCriteria, steps, updateId }: Update) {
  if (updateType !== undefined) return { updateType, installedCriteria }
  const [only, ...others] = JSON.parse(steps?.text ?? '[]')
  const isSingle = others.length === 0 && typeof only?.handler === 'string'
  const criteria = isSingle ? only.handlerProperties?.installedCriteria : undefined
  return {
    updateType: isSingle ? String(only.handler) : 'microsoft/steps:1',
    installedCriteria: typeof criteria === 'string' ? criteria : updateId.version,
  }
}
