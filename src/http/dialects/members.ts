import type { JsonValue } from '../../domain/json-text.ts'
import type { Operation, OperationError } from '../../domain/operation.ts'
import { wireTime } from '../../domain/times.ts'
import type { BaseFile, Update } from '../../domain/update.ts'
import type { UpdateId } from '../../domain/update-id.ts'
import type { Dialect } from './dialect.ts'

/** The path of an update below the list of updates. Identities have no character that a path would have to escape. */
export function updateUnder(base: string, { provider, name, version }: UpdateId): string {
  return `${base}/providers/${provider}/names/${name}/versions/${version}`
}

/** Addresses since 2021-06-01-preview: the version stands in the query. */
export function versioned(service: string, apiVersion: string): Pick<Dialect, 'operationPath' | 'updatePath'> {
  const query = `?api-version=${apiVersion}`
  return {
    operationPath: (instance, operationId) => `${service}/${instance}/updates/operations/${operationId}${query}`,
    updatePath: (instance, updateId) => updateUnder(`${service}/${instance}/updates`, updateId) + query,
  }
}

/** Members of an update since 2021-06-01-preview. */
export function updateMembers(update: Update): JsonValue {
  const { updateId, referencedBy, steps, importedAt } = update
  return {
    updateId: { ...updateId },
    description: update.description,
    friendlyName: update.friendlyName,
    isDeployable: update.isDeployable,
    updateType: update.updateType,
    installedCriteria: update.installedCriteria,
    compatibility: update.compatibility,
    instructions: steps && { steps },
    referencedBy: referencedBy.length > 0 ? referencedBy.map((parent) => ({ ...parent })) : undefined,
    scanResult: update.scanResult,
    manifestVersion: update.manifestVersion,
    importedDateTime: wireTime(importedAt),
    createdDateTime: update.createdDateTime,
    etag: update.etag,
  }
}

/** Members of a file since 2021-06-01-preview. */
export function fileMembers({ fileName, sizeInBytes, hashes, mimeType, scanResult, scanDetails }: BaseFile) {
  return { fileName, sizeInBytes, hashes, mimeType, scanResult, scanDetails }
}

/**
 * Members of an operation. `resourceLocation` is there only for an import that succeeded: clients fetch it, and after a deletion
 * they would find nothing.
 */
export function operationMembers(
  operation: Operation,
  updatePath: Dialect['updatePath'],
  about: { updateId?: JsonValue } | { update?: JsonValue },
): JsonValue {
  const { operationId, instance, kind, status, update, error, traceId, createdAt, lastActionAt, etag } = operation
  return {
    operationId,
    status,
    ...about,
    resourceLocation:
      kind === 'import' && status === 'Succeeded' && update ? updatePath(instance, update.updateId) : undefined,
    error: error && errorMembers(error),
    traceId,
    lastActionDateTime: wireTime(lastActionAt),
    createdDateTime: wireTime(createdAt),
    etag,
  }
}

/** The specification spells the inner error `innererror`, real traffic `innerError`: both are sent, since each has readers. */
export function errorMembers(error: OperationError): JsonValue {
  const inner = error.inner && innerMembers(error.inner)
  return {
    code: error.code,
    message: error.message,
    target: error.target,
    item: error.item,
    details: error.details?.map(detailMembers),
    innererror: inner,
    innerError: inner,
    occurredDateTime: error.occurredDateTime && wireTime(Date.parse(error.occurredDateTime)),
  }
}

/** Only the details of a check have inner errors, and those are read by the specification. */
function detailMembers({ code, message, target, item, inner }: OperationError): JsonValue {
  return { code, message, target, item, innererror: inner && innerMembers(inner) }
}

function innerMembers({ code, message, errorDetail, inner }: OperationError): JsonValue {
  return { code, message, errorDetail, innerError: inner && innerMembers(inner) }
}
