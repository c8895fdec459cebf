import type { Dialect } from './dialect.ts'
import { fileMembers, operationMembers, updateMembers, versioned } from './members.ts'

/** 2021-06-01-preview: `api-version` in the query, lists as bodies, `updateId` in operations. */
export function dialect2021(apiVersion: string): Dialect {
  const addresses = versioned('/deviceupdate', apiVersion)
  return {
    name: '2021',
    ...addresses,
    sendsLocation: false,
    filesRequired: false,
    update: updateMembers,
    file: ({ fileId, etag, ...file }) => ({ fileId, ...fileMembers(file), etag }),
    operation: (operation) =>
      operationMembers(operation, addresses.updatePath, {
        updateId: operation.update && { ...operation.update.updateId },
      }),
  }
}
