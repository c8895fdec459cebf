import type { AppError } from '../errors.ts'
import type { ImportManifest, ManifestParts } from '../import-manifest.ts'
import { sameUpdate } from '../update-id.ts'
import { isUpdateId } from './read-update-id.ts'

/** What a manifest says in spite of these mistakes, as its readers left it: see `ManifestParts`. */
export function knownParts(draft: ImportManifest, errors: readonly AppError[]): ManifestParts {
  const { updateId, description, isDeployable, references, files } = draft
  const isKnown = isUpdateId(updateId)
  const names = files.flatMap((file) => [file, ...file.relatedFiles]).map(({ fileName }) => fileName)
  // A list or an entry of another type may have had more names.
  const hasLostNames = errors.some(({ code, target = '' }) => code === 'TypeWrong' && LISTED.test(target))
  return {
    ...(isKnown && { updateId }),
    ...(isKnown && description !== undefined && { description }),
    isDeployable,
    references: references.filter((reference) => {
      return isUpdateId(reference.updateId) && !(isKnown && sameUpdate(reference.updateId, updateId))
    }),
    files,
    hasEveryFileName: errors.length === 0 || (names.length > 0 && !names.includes('') && !hasLostNames),
  }
}

const LISTED = /^\/files(\/\d+(\/relatedFiles(\/\d+)?)?)?$/i
