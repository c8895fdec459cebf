import type { Attempt, UpdateInfo } from '../../domain/operation.ts'
import { sameUpdate } from '../../domain/update-id.ts'
import type { Statement } from '../../ports/database.ts'
import { noteItems } from '../../store/operations/operation-items.ts'
import type { Candidate } from './resolve-references.ts'

type Named = Pick<Candidate, 'manifest'> & { manifest: { description?: string }; input: { friendlyName?: string } }

/**
 * The statements that note which updates the operation is about, so that everybody who asks for it sees them; for a batch that is guarded by
 * the attempt.
 */
export function noteUpdates(attempt: Attempt, updates: readonly Named[]): Statement[] {
  return noteItems(attempt, updates.map(infoOf), indexShown(updates))
}

function infoOf({ manifest, input }: Named): UpdateInfo {
  return {
    updateId: manifest.updateId,
    ...(manifest.description !== undefined && { description: manifest.description }),
    ...(input.friendlyName !== undefined && { friendlyName: input.friendlyName }),
  }
}

/** The update that the operation shows: the one that no other of the request references, else the first. */
function indexShown(updates: readonly Named[]): number {
  const index = updates.findIndex(
    ({ manifest }) =>
      !updates.some((other) =>
        other.manifest.references.some(({ updateId }) => sameUpdate(updateId, manifest.updateId)),
      ),
  )
  return Math.max(index, 0)
}
