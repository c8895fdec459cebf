import type { Dialect } from './dialect.ts'
import { fileMembers, operationMembers, updateMembers, updateUnder } from './members.ts'

/** 2021-06-01-preview: `api-version` in the query, lists as bodies, `updateId` in operations. */
export function dialect2021(apiVersion: string): Dialect {
  const base = (instance: string) => `/deviceupdate/${instance}/updates`
  const query = `?api-version=${apiVersion}`
  const updatePath: Dialect['updatePath'] = (instance, updateId) => updateUnder(base(instance), updateId) + query
  return {
    sendsLocation: false,
    filesRequired: false,
    operationPath: (instance, operationId) => `${base(instance)}/operations/${operationId}${query}`,
    updatePath,
    update: updateMembers,
    file: ({ fileId, etag, ...file }) => ({ fileId, ...fileMembers(file), etag }),
    operation: (operation) =>
      operationMembers(operation, updatePath, { updateId: operation.update && { ...operation.update.updateId } }),
  }
}
