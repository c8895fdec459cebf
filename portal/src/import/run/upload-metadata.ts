import { LIMITS } from '../../../../src/domain/limits.ts'

/**
 * What is said of an upload (tus 1.0.0, Upload-Metadata). The digest lets a later visit go on with it, in whichever browser, and never
 * with a file that has changed; so the browser itself need not remember anything.
 */
export function writeMetadata({ name, sha256 }: { name: string; sha256: string }): string {
  // What the server would refuse is not worth an upload that fails: the name is for people, the import names files by the manifest.
  const shown = name
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, LIMITS.fileNameLengthMax)
    .toWellFormed()
  return `filename ${encode(shown)},sha256 ${encode(sha256)}`
}

/** Whether an upload was said to have this digest. */
export function tellsDigest(metadata: string, sha256: string): boolean {
  return metadata.split(',').some((pair) => pair.trim() === `sha256 ${encode(sha256)}`)
}

function encode(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
