import { AppError } from '../../domain/errors.ts'
import type { ImportManifest, ManifestParts } from '../../domain/import-manifest.ts'
import type { ImportInput } from '../../domain/import-request.ts'
import { LIMITS } from '../../domain/limits.ts'
import { readImportManifest } from '../../domain/read-import-manifest.ts'
import { formatUpdateId, sameUpdate, type UpdateId } from '../../domain/update-id.ts'
import { UNTRACED } from '../../ports/tracing.ts'
import { newUpdateId } from '../../store/updates/publish.ts'
import { isDatabaseFailure } from '../operations/attempt-end.ts'
import { cannotParse, type FetchOptions, fetchManifest, invalidManifest } from './fetch-manifest.ts'
import { type FileMatch, type MatchedFile, matchFiles } from './match-files.ts'
import type { Candidate } from './resolve-references.ts'

/** One input of an import whose manifest is read and whose files have their URLs. */
export interface Item extends Candidate {
  input: ImportInput
  manifest: ImportManifest
  /** The manifest to the letter. */
  bytes: Uint8Array
  files: MatchedFile[]
}

/**
 * Fetches and reads the manifests of all inputs, and pairs their files with URLs. Throws the `AppError` of the first input that
 * is wrong; its details tell the mistakes of all of them.
 */
export async function fetchItems(inputs: readonly ImportInput[], options: FetchOptions): Promise<Item[]> {
  const items: Item[] = []
  const errors: AppError[] = []
  for (const [index, input] of inputs.entries()) {
    const pointer = pointerOf(inputs, index)
    const { good, match, errors: found } = await readInput(input, { ...options, index })
    const [error = good && refuseRepeated(good.manifest.updateId, items)] = found
    if (error !== undefined) errors.push(inputs.length === 1 ? error : atInput(error, pointer))
    else if (good !== undefined) items.push({ id: newUpdateId(), ...good, pointer, input, files: match.matched })
  }
  const [first, ...others] = errors
  if (first === undefined) return items
  if (others.length === 0) throw first
  const details = errors.flatMap((error) => error.details).slice(0, LIMITS.findingsMax)
  throw new AppError(first.code, first.message, { ...factsOf(first), details })
}

/** Where an input stands in the request body: a JSON Pointer. */
export function pointerOf(inputs: readonly ImportInput[], index: number): string {
  // A single input may have come as an object, so its place is the body itself.
  return inputs.length === 1 ? '' : `/${index}`
}

/** What came of one input of a request. */
export interface InputReading {
  /** Absent unless there is nothing wrong with the manifest itself. */
  good?: { bytes: Uint8Array; manifest: ImportManifest }
  /** What can be told of the manifest all the same. */
  parts?: ManifestParts
  match: FileMatch
  /** What is wrong with the manifest, and with the files of the input. An import tells the first. */
  errors: AppError[]
  /** What the manifest should better say. */
  warnings: AppError[]
}

/** Fetches and reads the manifest of one input, and pairs its files with URLs. */
export async function readInput(
  input: ImportInput,
  { index, tracing = UNTRACED, ...options }: FetchOptions & { index: number },
): Promise<InputReading> {
  const attributes = { 'aduana.item.index': index, 'aduana.file.size': input.importManifest.sizeInBytes }
  let bytes: Uint8Array
  try {
    bytes = await tracing.inSpan({ name: 'fetch manifest', attributes }, () => fetchManifest(input, options))
  } catch (error) {
    // What was staged is read by the database, which says nothing about the input.
    if (!(error instanceof AppError) || isDatabaseFailure(error)) throw error
    return { match: matchFiles(NOTHING_KNOWN, input), errors: [error], warnings: [] }
  }
  const { manifest, parts, errors: mistakes, warnings } = readImportManifest(bytes)
  const match = matchFiles(parts ?? NOTHING_KNOWN, input)
  const errors = [...(mistakes.length > 0 ? [invalidManifest(mistakes)] : []), ...(match.error ? [match.error] : [])]
  return { ...(manifest && { good: { bytes, manifest } }), ...(parts && { parts }), match, errors, warnings }
}

const NOTHING_KNOWN = { files: [], hasEveryFileName: false }

/** The error where the same request has the update already. */
export function refuseRepeated(
  updateId: UpdateId,
  earlier: readonly { manifest: { updateId: UpdateId } }[],
): AppError | undefined {
  if (!earlier.some(({ manifest }) => sameUpdate(manifest.updateId, updateId))) return undefined
  return cannotParse([new AppError('UpdateRepeated', `${formatUpdateId(updateId)} is in this request twice.`)])
}

/** Says which input of the request an error is about, in its target and at the head of the targets of its details. */
function atInput(error: AppError, pointer: string): AppError {
  const mistakes = error.details.length > 0 ? error.details : [innermost(error)]
  return new AppError(error.code, error.message, {
    ...factsOf(error),
    target: pointer,
    details: mistakes.map(
      ({ code, message, target = '' }) => new AppError(code, message, { target: pointer + target }),
    ),
  })
}

function innermost(error: AppError): AppError {
  return error.inner === undefined ? error : innermost(error.inner)
}

function factsOf({ inner, target }: AppError): { inner?: AppError; target?: string } {
  return { ...(inner && { inner }), ...(target !== undefined && { target }) }
}
