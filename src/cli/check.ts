import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { looksLikeAptManifest, readAptManifest } from '../domain/authoring/apt-manifest.ts'
import type { AppError } from '../domain/errors.ts'
import { readImportManifest } from '../domain/read-import-manifest.ts'
import { formatUpdateId } from '../domain/update-id.ts'
import { checkPayloads } from './check-payloads.ts'
import { withoutControls } from './terminal/without-controls.ts'

export interface CheckOptions {
  paths: readonly string[]
  /** Leaves the files beside the manifests alone. */
  manifestOnly?: boolean
  /** Takes one line, without line end. Default: standard output. */
  print?: (line: string) => void
}

/**
 * `aduana check MANIFEST…`: judges import manifests without any server, in the order given. A valid one is one line with the
 * identity of its update; otherwise every mistake is a line with its JSON Pointer. Warnings are lines too. Files that lie beside
 * a valid manifest are compared with it, and the rest is named. An APT manifest is judged as what it is.
 *
 * Answers the exit code: 0 if all are valid and the files beside them right, warnings or not; 1 otherwise, and where something
 * cannot be read.
 */
export async function checkManifests({
  paths,
  manifestOnly = false,
  print = console.log,
}: CheckOptions): Promise<0 | 1> {
  let exitCode: 0 | 1 = 0
  for (const path of paths) {
    const { isRight, lines } = await checkDocument(path, { manifestOnly })
    if (!isRight) exitCode = 1
    for (const line of lines) print(withoutControls(`${path}: ${line}`))
  }
  return exitCode
}

interface Outcome {
  isRight: boolean
  lines: string[]
}

async function checkDocument(path: string, { manifestOnly }: { manifestOnly: boolean }): Promise<Outcome> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    return { isRight: false, lines: [`error: cannot be read: ${error instanceof Error ? error.message : error}`] }
  }
  if (looksLikeAptManifest(bytes)) return checkAptManifest(bytes)
  const { manifest, errors, warnings } = readImportManifest(bytes)
  if (manifest === undefined) return { isRight: false, lines: findingLines({ errors, warnings }) }
  const payloads = manifestOnly ? { isRight: true, lines: [] } : await checkPayloads(manifest, dirname(path))
  return {
    isRight: payloads.isRight,
    lines: [
      `valid, ${formatUpdateId(manifest.updateId)} (manifest ${manifest.manifestVersion})`,
      ...findingLines({ errors, warnings }),
      ...payloads.lines,
    ],
  }
}

function checkAptManifest(bytes: Uint8Array): Outcome {
  const { aptManifest, errors, warnings } = readAptManifest(bytes)
  const valid = aptManifest && `valid, APT manifest ${aptManifest.name} ${aptManifest.version}`
  return { isRight: errors.length === 0, lines: [...(valid ? [valid] : []), ...findingLines({ errors, warnings })] }
}

function findingLines({ errors, warnings }: { errors: readonly AppError[]; warnings: readonly AppError[] }): string[] {
  return [
    ...errors.map((error) => `error ${error.code}${place(error)}: ${error.message}`),
    ...warnings.map((warning) => `warning${place(warning)}: ${warning.message}`),
  ]
}

/** The root's pointer is empty, and so is what is said of the place. */
function place({ target }: AppError): string {
  return target ? ` at ${target}` : ''
}
