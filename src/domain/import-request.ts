/** What a caller asks to import: one parent with up to ten children, or a single update. */
export interface ImportRequest {
  inputs: ImportInput[]
}

export interface ImportInput {
  importManifest: {
    url: string
    sizeInBytes: number
    /** Algorithm in lower case → base64 of the digest; `sha256` is always there. */
    hashes: Record<string, string>
  }
  friendlyName?: string
  files: { fileName: string; url: string }[]
}
