import { readFile, stat } from 'node:fs/promises'
import { type AptManifest, readAptManifest } from '../domain/authoring/apt-manifest.ts'
import { LIMITS } from '../domain/limits.ts'

/** What the only file of a step of `microsoft/apt:1` says, and a sentence for each thing that is wrong with it. */
export async function readAptPayload(path: string): Promise<{ aptManifest?: AptManifest; lines: string[] }> {
  let bytes: Uint8Array
  try {
    const stats = await stat(path)
    if (!stats.isFile()) return { lines: [] }
    if (stats.size > LIMITS.manifestBytesMax) return { lines: [`has ${stats.size} bytes, so it is no APT manifest.`] }
    bytes = await readFile(path)
  } catch {
    // That it cannot be read is told by whoever reads it for its hash.
    return { lines: [] }
  }
  const { aptManifest, errors, warnings } = readAptManifest(bytes)
  const lines = [...errors, ...warnings].map(({ target, message }) => `${target ? `at ${target}: ` : ''}${message}`)
  return { ...(aptManifest && { aptManifest }), lines }
}
