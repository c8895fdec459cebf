import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImportManifest, ManifestBaseFile } from '../domain/import-manifest.ts'
import { quote } from '../domain/json-document.ts'
import { hashFile } from './hash-file.ts'
import { readAptPayload } from './read-apt-payload.ts'

/**
 * Compares the files that lie beside a manifest with what it says of them. Those that are not there are named and count as
 * nothing: a manifest may be judged without its files.
 */
export async function checkPayloads(
  manifest: ImportManifest,
  folder: string,
): Promise<{ isRight: boolean; lines: string[] }> {
  const files = manifest.files.flatMap((file) => [file, ...file.relatedFiles])
  const errors: string[] = []
  const absent: string[] = []
  for (const file of files) {
    const mistake = await compare(file, join(folder, file.fileName))
    if (mistake === 'absent') absent.push(file.fileName)
    else if (mistake !== undefined) errors.push(mistake)
  }
  const compared = files.length - absent.length
  const counted = compared === 1 ? '1 file' : `${compared} files`
  return {
    isRight: errors.length === 0,
    lines: [
      ...(compared > 0 && errors.length === 0 ? [`${counted} beside it as described`] : []),
      ...errors,
      ...(absent.length > 0 ? [`not beside it, not checked: ${absent.join(', ')}`] : []),
      ...(await adviseOnAptSteps(manifest, folder)),
    ],
  }
}

/** A sentence where the file is not as described. */
async function compare(
  { fileName, sizeInBytes, hashes, pointer }: ManifestBaseFile,
  path: string,
): Promise<string | undefined> {
  const remedy = 'Make the manifest again, or put the right file there.'
  try {
    const stats = await stat(path)
    if (!stats.isFile()) return 'absent'
    if (stats.size !== sizeInBytes) {
      return `error SizeMismatch at ${pointer}: ${quote(fileName)} beside the manifest has ${stats.size} bytes, but should have ${sizeInBytes}. ${remedy}`
    }
    const { sha256 } = await hashFile(path)
    if (sha256 === hashes.sha256) return undefined
    return `error HashMismatch at ${pointer}: ${quote(fileName)} beside the manifest has the SHA-256 ${sha256}, but should have ${hashes.sha256}. ${remedy}`
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return 'absent'
    return `error at ${pointer}: ${quote(fileName)} beside the manifest cannot be read: ${message}`
  }
}

async function adviseOnAptSteps(manifest: ImportManifest, folder: string): Promise<string[]> {
  const payloads = manifest.steps
    ? manifest.steps.flatMap((step) => (step.type === 'inline' && step.handler === APT ? step.files : []))
    : manifest.files.flatMap(({ fileName }) => (manifest.updateType === APT ? [fileName] : []))
  const lines: string[] = []
  for (const fileName of new Set(payloads)) {
    const apt = await readAptPayload(join(folder, fileName))
    lines.push(...apt.lines.map((line) => `warning: ${quote(fileName)}, the APT manifest: ${line}`))
  }
  return lines
}

const APT = 'microsoft/apt:1'
