import type { RawJson } from './json-text.ts'
import type { UpdateId } from './update-id.ts'
import type { ScanResult } from './verdict.ts'

/** An imported update, as the catalogue keeps it. Immutable, but for `referencedBy` and with it `etag`. */
export interface Update {
  id: string
  updateId: UpdateId
  description?: string
  friendlyName?: string
  isDeployable: boolean
  updateType?: string
  installedCriteria?: string
  compatibility: RawJson
  /** The list of steps; absent for manifests up to 3.0. */
  steps?: RawJson
  referencedBy: UpdateId[]
  scanResult: ScanResult
  manifestVersion: string
  /** Milliseconds since 1970. */
  importedAt: number
  createdDateTime: string
  /** The import that brought it. Operations are forgotten sooner than updates. */
  operationId: string
  etag: string
}

export interface BaseFile {
  fileName: string
  sizeInBytes: number
  /** Algorithm in lower case → base64 of the digest. */
  hashes: Record<string, string>
  mimeType?: string
  properties?: RawJson
  scanResult: ScanResult
  scanDetails?: string
}

/** One payload of an update. */
export interface UpdateFile extends BaseFile {
  fileId: string
  /** The unguessable part of its address under `/content`. */
  contentId: string
  relatedFiles: RelatedFile[]
  downloadHandlerId?: string
  etag: string
}

/** A file that a download handler on the device uses to build another one; it has an address, but is not listed by itself. */
export interface RelatedFile extends BaseFile {
  fileId: string
  contentId: string
}
