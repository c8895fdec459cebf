import type { AptManifest } from '../../../../src/domain/authoring/apt-manifest.ts'
import type { ManifestReading } from '../../../../src/domain/import-manifest.ts'

/** A file of the visitor's, and the folder that it was dropped or chosen with: `bundle/install.sh`. */
export interface FileAtPath {
  path: string
  file: File
}

export type Hashing =
  | { kind: 'running'; bytesDone: number }
  /** In standard base64. */
  | { kind: 'done'; sha256: string }
  /** The browser could not read it. */
  | { kind: 'failed' }

/** A payload file, of which the hash is known sooner or later. */
export interface PickedFile extends FileAtPath {
  /** Never used for another one, not even for a newer file at the same path. */
  key: string
  name: string
  hashing: Hashing
  /** Where the file is one. */
  aptManifest?: AptManifest | undefined
}

/** An import manifest, right or wrong. */
export interface PickedManifest extends FileAtPath {
  key: string
  name: string
  /** In standard base64. */
  sha256: string
  reading: ManifestReading
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Empty for what was dropped by itself. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}
