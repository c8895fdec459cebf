import type { ImportManifest, ManifestBaseFile } from '../../../../src/domain/import-manifest.ts'
import { folderOf, type PickedFile } from '../files/picked-file.ts'

/** A file that a manifest names, and what the visitor has for it. */
export interface Match {
  fileName: string
  sizeInBytes: number
  sha256: string
  /** Absent where none has this name or this content. */
  picked?: PickedFile
  /** `wrong` has other bytes than the manifest says. */
  state: 'missing' | 'hashing' | 'right' | 'wrong'
  /** What is wrong, and what to do. */
  problem?: string
}

/**
 * Finds the file for each name of a manifest: the right content first, wherever it lies, then the right name, nearest to the manifest.
 * A file of the right content under another name is right too: browsers rename what they download twice.
 */
export function matchFiles(
  manifest: Pick<ImportManifest, 'files'>,
  { path, files }: { path: string; files: readonly PickedFile[] },
): Match[] {
  return manifest.files
    .flatMap((file): ManifestBaseFile[] => [file, ...file.relatedFiles])
    .map((wanted) => {
      const sha256 = wanted.hashes.sha256 ?? ''
      const { fileName, sizeInBytes } = wanted
      const same = files.filter(({ hashing }) => hashing.kind === 'done' && hashing.sha256 === sha256)
      const isNamed = ({ name }: PickedFile) => name.toLowerCase() === fileName.toLowerCase()
      const named = files.filter(isNamed)
      const picked =
        same.find(isNamed) ??
        named.find(({ hashing, file }) => hashing.kind === 'running' && file.size === sizeInBytes) ??
        same[0] ??
        named.find((file) => folderOf(file.path) === folderOf(path)) ??
        named[0]
      const match = { fileName, sizeInBytes, sha256 }
      return picked === undefined ? { ...match, state: 'missing' } : { ...match, picked, ...judge(picked, match) }
    })
}

function judge(
  { file, hashing }: PickedFile,
  { fileName, sizeInBytes, sha256 }: Pick<Match, 'fileName' | 'sizeInBytes' | 'sha256'>,
): Pick<Match, 'state' | 'problem'> {
  const advice = 'Take the file that the manifest was made for, or make the manifest again.'
  if (file.size !== sizeInBytes) {
    const problem = `${fileName} has ${file.size} bytes, but the manifest says ${sizeInBytes}. ${advice}`
    return { state: 'wrong', problem }
  }
  if (hashing.kind === 'running') return { state: 'hashing' }
  if (hashing.kind === 'failed') {
    return { state: 'wrong', problem: `The browser cannot read ${fileName}. Was it moved or changed? Choose it again.` }
  }
  if (hashing.sha256 === sha256) return { state: 'right' }
  const problem = `${fileName} has the SHA-256 ${hashing.sha256}, but the manifest says ${sha256}. ${advice}`
  return { state: 'wrong', problem }
}
