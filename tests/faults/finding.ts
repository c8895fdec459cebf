/** One thing in a data folder that must not be so. */
export interface Finding {
  code: FindingCode
  /** Names the thing, what was expected and what is there. */
  sentence: string
}

export type FindingCode =
  // The database as such.
  | 'database-unreadable'
  | 'database-damaged'
  | 'reference-broken'
  // Bytes.
  | 'blob-row-missing'
  | 'blob-name-wrong'
  | 'blob-missing'
  | 'blob-size-wrong'
  | 'blob-hash-wrong'
  | 'blob-never-swept'
  // Updates against their manifests.
  | 'manifest-unreadable'
  | 'identity-wrong'
  | 'files-wrong'
  | 'stated-hash-wrong'
  | 'update-reference-missing'
  | 'update-reference-undeclared'
  // Operations.
  | 'operation-status-wrong'
  | 'operation-stuck'
  | 'operation-not-wiped'
  | 'operation-error-wrong'
  | 'operation-result-missing'
  | 'hold-left'
  // Uploads.
  | 'staged-wrong'
  | 'staged-held'
  // Only where nothing runs and everything was swept.
  | 'operation-unfinished'
  | 'blob-unused'
  | 'copy-left'
  | 'partial-left'
