import { readFile } from 'node:fs/promises'
import type { AppError } from '../domain/errors.ts'
import { readImportManifest } from '../domain/read-import-manifest.ts'
import { formatUpdateId } from '../domain/update-id.ts'
import { withoutControls } from './without-controls.ts'

export interface CheckOptions {
  paths: readonly string[]
  /** Answers the bytes of the file at a path; its error's message is shown to the person. Default: the file system. */
  read?: (path: string) => Promise<Uint8Array>
  /** Takes one line, without line end. Default: standard output. */
  print?: (line: string) => void
}

/**
 * `aduana check MANIFEST…`: judges import manifests without any server, in the order given. A valid one is one line with the
 * identity of its update; otherwise every mistake is a line with its JSON Pointer. Warnings are lines too.
 *
 * Answers the exit code: 0 if all are valid, warnings or not; 1 if any is invalid or cannot be read.
 */
export async function checkManifests({ paths, read = readFile, print = console.log }: CheckOptions): Promise<0 | 1> {
  let exitCode: 0 | 1 = 0
  for (const path of paths) {
    const { isValid, lines } = await checkManifest(path, read)
    if (!isValid) exitCode = 1
    for (const line of lines) print(withoutControls(`${path}: ${line}`))
  }
  return exitCode
}

async function checkManifest(
  path: string,
  read: (path: string) => Promise<Uint8Array>,
): Promise<{ isValid: boolean; lines: string[] }> {
  let bytes: Uint8Array
  try {
    bytes = await read(path)
  } catch (error) {
    return { isValid: false, lines: [`error: cannot be read: ${error instanceof Error ? error.message : error}`] }
  }
  const { manifest, errors, warnings } = readImportManifest(bytes)
  const valid = manifest && `valid, ${formatUpdateId(manifest.updateId)} (manifest ${manifest.manifestVersion})`
  return {
    isValid: errors.length === 0,
    lines: [
      ...(valid ? [valid] : []),
      ...errors.map((error) => `error ${error.code}${place(error)}: ${error.message}`),
      ...warnings.map((warning) => `warning${place(warning)}: ${warning.message}`),
    ],
  }
}

/** The root's pointer is empty, and so is what is said of the place. */
function place({ target }: AppError): string {
  return target ? ` at ${target}` : ''
}
