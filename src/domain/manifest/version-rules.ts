import type { ManifestVersion } from '../import-manifest.ts'
import { LIMITS } from '../limits.ts'

export type RootMember =
  | '$schema'
  | 'updateId'
  | 'description'
  | 'isDeployable'
  | 'updateType'
  | 'installedCriteria'
  | 'compatibility'
  | 'instructions'
  | 'files'
  | 'bundledUpdates'
  | 'createdDateTime'
  | 'manifestVersion'

export type FileMember = 'mimeType' | 'properties' | 'relatedFiles' | 'downloadHandler'

/** In what the versions of the import manifest differ. */
export interface VersionRules {
  required: readonly RootMember[]
  optional: readonly RootMember[]
  filesMin: number
  filesMax: number
  fileBytesMax: number
  updateBytesMax: number
  /** What a file may have beside its name, size and hashes. */
  fileOptional: readonly FileMember[]
  otherFileMembers: 'allowed' | 'refused'
  /** Version 2.0 knows manufacturer and model only; later ones let the publisher name the properties. */
  compatibility: 'manufacturer and model' | 'free'
}

const everywhere = ['updateId', 'compatibility', 'createdDateTime', 'manifestVersion'] as const

/** Sources: import manifest 2.0; the official tool that wrote 3.0; import schemas 4.0 and 5.0. */
export const VERSION_RULES: Record<ManifestVersion, VersionRules> = {
  '2.0': {
    required: [...everywhere, 'updateType', 'installedCriteria', 'files'],
    // Every official tool of later versions writes isDeployable, whether its schema has it or not.
    optional: ['$schema', 'isDeployable'],
    filesMin: 1,
    filesMax: LIMITS.filesMaxV2,
    fileBytesMax: LIMITS.fileBytesMaxV2,
    updateBytesMax: LIMITS.updateBytesMaxV2,
    // Not in any text about 2.0 and 3.0, but official samples write it.
    fileOptional: ['mimeType'],
    otherFileMembers: 'refused',
    compatibility: 'manufacturer and model',
  },
  '3.0': {
    required: [...everywhere, 'updateType', 'installedCriteria'],
    optional: ['$schema', 'isDeployable', 'files', 'bundledUpdates'],
    filesMin: 0,
    filesMax: LIMITS.filesMaxV2,
    fileBytesMax: LIMITS.fileBytesMax,
    updateBytesMax: LIMITS.updateBytesMax,
    fileOptional: ['mimeType'],
    otherFileMembers: 'refused',
    compatibility: 'free',
  },
  '4.0': {
    required: [...everywhere, 'instructions'],
    optional: ['$schema', 'isDeployable', 'description', 'files'],
    filesMin: 0,
    filesMax: LIMITS.filesMax,
    fileBytesMax: LIMITS.fileBytesMax,
    updateBytesMax: LIMITS.updateBytesMax,
    fileOptional: [],
    otherFileMembers: 'refused',
    compatibility: 'free',
  },
  '5.0': {
    required: [...everywhere, 'instructions'],
    optional: ['$schema', 'isDeployable', 'description', 'files'],
    filesMin: 0,
    filesMax: LIMITS.filesMax,
    fileBytesMax: LIMITS.fileBytesMax,
    updateBytesMax: LIMITS.updateBytesMax,
    fileOptional: ['mimeType', 'properties', 'relatedFiles', 'downloadHandler'],
    otherFileMembers: 'allowed',
    compatibility: 'free',
  },
}

/** Says of a member that `version` does not know which versions know it; undefined if none does. */
export function otherVersionsWith(
  name: string,
  { version, membersOf }: { version: ManifestVersion; membersOf: (rules: VersionRules) => readonly string[] },
): string | undefined {
  const versions = Object.entries(VERSION_RULES)
    .filter(([, rules]) => membersOf(rules).some((member) => member.toLowerCase() === name))
    .map(([other]) => other)
  if (versions.length === 0) return undefined
  return `It belongs to manifest version ${versions.join(' and ')}; this manifest says ${version}.`
}
