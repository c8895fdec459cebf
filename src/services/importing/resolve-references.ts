import { AppError } from '../../domain/errors.ts'
import type { ImportManifest } from '../../domain/import-manifest.ts'
import { formatUpdateId, sameUpdate, type UpdateId } from '../../domain/update-id.ts'
import type { Database } from '../../ports/database.ts'
import { findUpdate, listChildIds } from '../../store/updates/updates.ts'

/** One update of an import, with the `id` that it will have. */
export interface Candidate {
  id: string
  manifest: Pick<ImportManifest, 'updateId' | 'isDeployable' | 'references' | 'files'>
  /** Where its input stands in the request body: a JSON Pointer. */
  pointer: string
}

/** What speaks against importing one update of a request. */
export interface Objection<Judged extends Candidate = Candidate> {
  candidate: Judged
  error: AppError
}

/**
 * Finds what each update of an import references: in the same request, in any order, or imported earlier. Answers the `id`s of
 * the children by the `id` of the parent, and every wrong reference: the child must exist, must not be deployable, and must not
 * reference others itself, since only one level is allowed. The target is the place of the reference in the request.
 */
export async function resolveReferences<Judged extends Candidate>(
  candidates: readonly Judged[],
  { database, instance }: { database: Database; instance: string },
): Promise<{ childIds: Map<string, string[]>; wrong: Objection<Judged>[] }> {
  const wrong: Objection<Judged>[] = []
  const childIds = new Map<string, string[]>()

  for (const candidate of candidates) {
    const { id, manifest, pointer } = candidate
    const ids = new Set<string>()
    for (const reference of manifest.references) {
      const child =
        findCandidate(candidates, reference.updateId) ?? (await findImported(database, instance, reference.updateId))
      const refused = refusal(reference.updateId, child)
      if (refused === undefined && child !== undefined) ids.add(child.id)
      else if (refused) {
        const target = pointer + reference.pointer
        wrong.push({ candidate, error: new AppError(refused.code, refused.message, { target }) })
      }
    }
    childIds.set(id, [...ids])
  }
  return { childIds, wrong }
}

interface Child {
  id: string
  isDeployable: boolean
  hasReferences: boolean
}

function findCandidate(candidates: readonly Candidate[], updateId: UpdateId): Child | undefined {
  const found = candidates.find(({ manifest }) => sameUpdate(manifest.updateId, updateId))
  return (
    found && {
      id: found.id,
      isDeployable: found.manifest.isDeployable,
      hasReferences: found.manifest.references.length > 0,
    }
  )
}

async function findImported(database: Database, instance: string, updateId: UpdateId): Promise<Child | undefined> {
  const update = await findUpdate(database, instance, updateId)
  if (update === undefined) return undefined
  const hasReferences = (await listChildIds(database, update.id)).length > 0
  return { id: update.id, isDeployable: update.isDeployable, hasReferences }
}

function refusal(updateId: UpdateId, child: Child | undefined) {
  const title = formatUpdateId(updateId)
  if (child === undefined) {
    return {
      code: 'ReferenceNotFound' as const,
      message: `The referenced update ${title} is neither imported nor part of this request.`,
    }
  }
  if (child.hasReferences) {
    return {
      code: 'ReferenceNested' as const,
      message: `The referenced update ${title} references other updates itself; only one level is allowed.`,
    }
  }
  if (child.isDeployable) {
    return {
      code: 'ReferenceDeployable' as const,
      message: `The referenced update ${title} is deployable on its own; a child needs "isDeployable": false in its manifest.`,
    }
  }
  return undefined
}
