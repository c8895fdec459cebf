import type { AppError } from './errors.ts'
import type { RawJson } from './json-text.ts'
import type { UpdateId } from './update-id.ts'

export type ManifestVersion = '2.0' | '3.0' | '4.0' | '5.0'

/** A publisher's description of an update, whichever version it was written in. */
export interface ImportManifest {
  manifestVersion: ManifestVersion
  updateId: UpdateId
  description?: string
  isDeployable: boolean
  /** Versions 2.0 and 3.0 only. */
  updateType?: string
  installedCriteria?: string
  /** A list of free objects, to the letter. */
  compatibility: RawJson
  /** Versions 4.0 and 5.0 only. */
  steps?: ManifestStep[]
  /** What it references: the reference steps (4.0, 5.0) or the bundled updates (3.0). */
  references: Reference[]
  files: ManifestFile[]
  /** UTC, ISO 8601 with `Z`, fraction as given without trailing zeros. */
  createdDateTime: string
}

export interface Reference {
  updateId: UpdateId
  /** Where it stands in the manifest: a JSON Pointer. */
  pointer: string
}

export type ManifestStep =
  | { type: 'inline'; description?: string; handler: string; files: string[]; handlerProperties?: RawJson }
  | { type: 'reference'; description?: string; updateId: UpdateId }

export interface ManifestBaseFile {
  fileName: string
  sizeInBytes: number
  /** Algorithm in lower case → base64 of the digest. `sha256` is always there. */
  hashes: Record<string, string>
  /** A free object, passed to the device to the letter. */
  properties?: RawJson
  mimeType?: string
  /** Where it stands in the manifest: a JSON Pointer. */
  pointer: string
}

export interface ManifestFile extends ManifestBaseFile {
  relatedFiles: ManifestBaseFile[]
  downloadHandlerId?: string
}

/**
 * What can be told of a manifest whose mistakes are known, so that the rest can be judged along with them. Nothing in it rests on a part
 * that is wrong: such a part is left out, or says nothing.
 */
export interface ManifestParts {
  updateId?: UpdateId
  description?: string
  /** False also where it cannot be told. */
  isDeployable: boolean
  references: Reference[]
  /** With an empty name, a size of 0 or no digests where those cannot be told. */
  files: ManifestFile[]
  /** Whether no other file may be meant to be listed. */
  hasEveryFileName: boolean
}

export interface ManifestReading {
  /** There only if `errors` is empty. */
  manifest?: ImportManifest
  /** There also if `errors` is not empty; not where the document is no JSON, or of no known version. */
  parts?: ManifestParts
  /** Every mistake, in the order of the document; `target` is the JSON Pointer. */
  errors: AppError[]
  /** Advice that does not stop an import; code `Advice`. */
  warnings: AppError[]
}
