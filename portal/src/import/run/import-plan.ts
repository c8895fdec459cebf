import type { ImportUpdateInput } from '../../../../src/client/api-types.ts'

/** Bytes that the visitor has, with their digest in base64. */
export interface OwnBytes {
  kind: 'own'
  name: string
  blob: Blob
  sha256: string
}

/** Where the server gets something from. */
export type Origin = OwnBytes | { kind: 'url'; url: string }

export interface PlannedInput {
  manifest: { origin: Origin; sizeInBytes: number; sha256: string }
  files: readonly { fileName: string; origin: Origin }[]
}

/** What is to be uploaded: the same content once, however often it is named. */
export function ownBytesOf(plan: readonly PlannedInput[]): OwnBytes[] {
  const found = new Map<string, OwnBytes>()
  for (const { manifest, files } of plan) {
    for (const { origin } of [manifest, ...files]) if (origin.kind === 'own') found.set(origin.sha256, origin)
  }
  return [...found.values()]
}

/** The body of Import Update. `staged` has the URL of everything that was uploaded, by its digest. */
export function importBody(plan: readonly PlannedInput[], staged: ReadonlyMap<string, string>): ImportUpdateInput[] {
  const urlOf = (origin: Origin): string => {
    const url = origin.kind === 'url' ? origin.url : staged.get(origin.sha256)
    if (url === undefined) throw new Error('Something was not uploaded.')
    return url
  }
  return plan.map(({ manifest, files }) => ({
    importManifest: {
      url: urlOf(manifest.origin),
      sizeInBytes: manifest.sizeInBytes,
      hashes: { sha256: manifest.sha256 },
    },
    files: files.map(({ fileName, origin }) => ({ filename: fileName, url: urlOf(origin) })),
  }))
}
