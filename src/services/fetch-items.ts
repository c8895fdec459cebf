import { AppError } from '../domain/errors.ts'
import type { ImportInput } from '../domain/import-request.ts'
import { LIMITS } from '../domain/limits.ts'
import { formatUpdateId, sameUpdate } from '../domain/update-id.ts'
import { UNTRACED } from '../ports/tracing.ts'
import { newUpdateId } from '../store/publish.ts'
import { cannotParse, type FetchOptions, fetchManifest } from './fetch-manifest.ts'
import { type MatchedFile, matchFiles } from './match-files.ts'
import type { Candidate } from './resolve-references.ts'

/** One input of an import whose manifest is read and whose files have their URLs. */
export interface Item extends Candidate {
  input: ImportInput
  /** The manifest to the letter. */
  bytes: Uint8Array
  files: MatchedFile[]
}

/**
 * Fetches and reads the manifests of all inputs, and pairs their files with URLs. Throws the `AppError` of the first input that
 * is wrong; its details tell the mistakes of all of them.
 */
export async function fetchItems(inputs: readonly ImportInput[], options: FetchOptions): Promise<Item[]> {
  const { tracing = UNTRACED } = options
  const items: Item[] = []
  const errors: AppError[] = []
  for (const [index, input] of inputs.entries()) {
    // A single input may have come as an object, so its place is the body itself.
    const pointer = inputs.length === 1 ? '' : `/${index}`
    try {
      const span = {
        name: 'fetch manifest',
        attributes: { 'aduana.item.index': index, 'aduana.file.size': input.importManifest.sizeInBytes },
      }
      const { bytes, manifest } = await tracing.inSpan(span, () => fetchManifest(input, options))
      const files = matchFiles(manifest, input)
      if (items.some((item) => sameUpdate(item.manifest.updateId, manifest.updateId))) {
        const message = `${formatUpdateId(manifest.updateId)} is in this request twice.`
        throw cannotParse([new AppError('UpdateRepeated', message)])
      }
      items.push({ id: newUpdateId(), manifest, pointer, input, bytes, files })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      errors.push(inputs.length === 1 ? error : atInput(error, pointer))
    }
  }
  const [first, ...others] = errors
  if (first === undefined) return items
  if (others.length === 0) throw first
  const details = errors.flatMap((error) => error.details).slice(0, LIMITS.findingsMax)
  throw new AppError(first.code, first.message, { ...factsOf(first), details })
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
