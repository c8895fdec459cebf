import type { BaseFile } from '../../domain/update.ts'
import type { Dialect } from './dialect.ts'
import { fileMembers, operationMembers, updateMembers, versioned } from './members.ts'

/** 2022-07-01-preview, 2022-10-01 and whatever is newer: `updates:import`, `update` in operations, related files. */
export function dialect2022(apiVersion: string): Dialect {
  const addresses = versioned('/deviceUpdate', apiVersion)
  return {
    name: '2022',
    ...addresses,
    sendsLocation: false,
    filesRequired: false,
    update: updateMembers,

    file({ fileId, relatedFiles, downloadHandlerId, etag, ...file }) {
      return {
        fileId,
        ...baseFile(file),
        relatedFiles: relatedFiles.length > 0 ? relatedFiles.map(baseFile) : undefined,
        downloadHandler: downloadHandlerId === undefined ? undefined : { id: downloadHandlerId },
        etag,
      }
    },

    operation(operation) {
      const { update } = operation
      return operationMembers(operation, addresses.updatePath, {
        update: update && {
          updateId: { ...update.updateId },
          description: update.description,
          friendlyName: update.friendlyName,
        },
      })
    },
  }
}

function baseFile(file: BaseFile) {
  return { ...fileMembers(file), properties: file.properties }
}
