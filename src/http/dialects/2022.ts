import type { BaseFile } from '../../domain/update.ts'
import type { Dialect } from './dialect.ts'
import { fileMembers, operationMembers, updateMembers, updateUnder } from './members.ts'

/** 2022-07-01-preview, 2022-10-01 and whatever is newer: `updates:import`, `update` in operations, related files. */
export function dialect2022(apiVersion: string): Dialect {
  const base = (instance: string) => `/deviceUpdate/${instance}/updates`
  const query = `?api-version=${apiVersion}`
  const updatePath: Dialect['updatePath'] = (instance, updateId) => updateUnder(base(instance), updateId) + query
  return {
    sendsLocation: false,
    filesRequired: false,
    operationPath: (instance, operationId) => `${base(instance)}/operations/${operationId}${query}`,
    updatePath,
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
      return operationMembers(operation, updatePath, {
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
