import type { ImportManifest } from '../../../../src/domain/import-manifest.ts'
import { sameUpdate, type UpdateId } from '../../../../src/domain/update-id.ts'

interface Entry {
  manifest: Pick<ImportManifest, 'updateId' | 'references'>
}

/** Children before the parents that reference them, otherwise as they came. */
export function orderManifests<T extends Entry>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => rank(a) - rank(b))
}

/** A child cannot have children, so two ranks are enough. */
function rank({ manifest: { references } }: Entry): number {
  return references.length === 0 ? 0 : 1
}

/** What is referenced and is none of these; each once. */
export function referencesElsewhere(entries: readonly Entry[]): UpdateId[] {
  const found: UpdateId[] = []
  for (const { updateId } of entries.flatMap(({ manifest }) => manifest.references)) {
    const isHere = entries.some(({ manifest }) => sameUpdate(manifest.updateId, updateId))
    if (!isHere && !found.some((known) => sameUpdate(known, updateId))) found.push(updateId)
  }
  return found
}
