import type { ApiClient } from '../../../src/client/api-client.ts'
import { sameUpdate, type UpdateId } from '../../../src/domain/update-id.ts'

/** What would happen if an update were deleted now. */
export interface DeletionPlan {
  /** Updates that reference it. As long as there are any, it cannot be deleted. */
  parents: readonly UpdateId[]
  /** Children that nothing else references: they go with it. */
  alsoDeleted: readonly UpdateId[]
  /** Children that others reference, too: they stay. */
  kept: readonly UpdateId[]
  sizeInBytes: number
}

/** Looks at an update and its children. The server decides again when it deletes. Throws `ApiError`. */
export async function planDeletion(client: ApiClient, updateId: UpdateId): Promise<DeletionPlan> {
  const { referencedBy = [], references = [], files } = await client.getUpdateWithContent(updateId)
  const children = await Promise.all(references.map((child) => client.getUpdateWithContent(child)))
  const isKept = (parents: readonly UpdateId[]) => parents.some((parent) => !sameUpdate(parent, updateId))
  const going = children.filter((child) => !isKept(child.referencedBy ?? []))
  return {
    parents: referencedBy,
    alsoDeleted: going.map((child) => child.updateId),
    kept: children.filter((child) => isKept(child.referencedBy ?? [])).map((child) => child.updateId),
    sizeInBytes: [files, ...going.map((child) => child.files)]
      .flat()
      .flatMap(({ relatedFiles = [], ...file }) => [file, ...relatedFiles])
      .reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0),
  }
}
