interface DataFile {
  path: string
  /** The rights that it needs. */
  mode: number
  folderMode?: number
  /** A secret, or of no use without one. */
  isKey?: true
  /** It grows by lines. */
  isLog?: true
}

/** The catalogue in a data folder. */
export const CATALOGUE: DataFile = { path: 'aduana.db', mode: 0o640 }

/** What a data folder has besides the catalogue and the store. */
export const DATA_FILES: readonly DataFile[] = [
  { path: 'installation.json', mode: 0o644 },
  { path: 'audit.jsonl', mode: 0o640, isLog: true },
  { path: 'keys/issuer.jwk.json', mode: 0o600, folderMode: 0o700, isKey: true },
  { path: 'tls/ca.pem', mode: 0o644, folderMode: 0o755, isKey: true },
  { path: 'tls/ca-key.pem', mode: 0o600, folderMode: 0o755, isKey: true },
  { path: 'tls/server.pem', mode: 0o644, folderMode: 0o755, isKey: true },
  { path: 'tls/server-key.pem', mode: 0o600, folderMode: 0o755, isKey: true },
]
