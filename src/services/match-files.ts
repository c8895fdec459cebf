import { AppError } from '../domain/errors.ts'
import type { ImportManifest, ManifestBaseFile } from '../domain/import-manifest.ts'
import type { ImportInput } from '../domain/import-request.ts'
import { LIMITS } from '../domain/limits.ts'
import type { ExpectedFile } from './copy-checked.ts'

/** A file of the manifest together with the URL that the request gives for it. */
export interface MatchedFile extends ExpectedFile {
  fileName: string
}

/**
 * Pairs every file and related file of a manifest with its URL. Throws `AppError('CannotProcessUpdateFile')`, all mistakes in
 * `details`, unless each file has exactly one URL and each URL a file. The target of a mistake is its place in the input, or in the
 * manifest where a file of that has no URL.
 */
export function matchFiles(manifest: ImportManifest, input: ImportInput): MatchedFile[] {
  const expected = manifest.files.flatMap((file) => [file, ...file.relatedFiles])
  const errors: AppError[] = []
  const urls = new Map<string, string>()

  input.files.forEach(({ fileName, url }, index) => {
    const target = `/files/${index}`
    if (urls.has(fileName)) {
      errors.push(new AppError('FileNameRepeated', `The request lists ${quoted(fileName)} twice.`, { target }))
      return
    }
    urls.set(fileName, url)
    if (!expected.some((file) => file.fileName === fileName))
      errors.push(notListed({ fileName, url, expected, input, target }))
  })

  const matched: MatchedFile[] = []
  for (const { fileName, sizeInBytes, hashes, pointer: target } of expected) {
    const url = urls.get(fileName)
    if (url === undefined) {
      errors.push(
        new AppError('FileNotSupplied', `The manifest lists ${quoted(fileName)}, but the request has no URL for it.`, {
          target,
        }),
      )
      continue
    }
    matched.push({ title: quoted(fileName), fileName, url: new URL(url), sizeInBytes, hashes })
  }

  const [first] = errors
  if (first === undefined) return matched
  throw new AppError('CannotProcessUpdateFile', 'Error processing source file.', {
    inner: new AppError('ContentFileCannotDownload', first.message, { inner: first }),
    // A request has room for many thousands.
    details: errors.slice(0, LIMITS.findingsMax),
  })
}

function notListed({
  fileName,
  url,
  expected,
  input,
  target,
}: {
  fileName: string
  url: string
  expected: readonly ManifestBaseFile[]
  input: ImportInput
  target: string
}): AppError {
  const isManifest = withoutQuery(url) === withoutQuery(input.importManifest.url)
  const known = expected.map((file) => quoted(file.fileName)).join(', ') || 'no files'
  return new AppError(
    'FileNotListed',
    isManifest
      ? `The request lists ${quoted(fileName)}, which is the import manifest itself; a manifest is not one of its files.`
      : `The request lists ${quoted(fileName)}, but the manifest does not; it lists ${known}.`,
    { target },
  )
}

function withoutQuery(url: string): string {
  return url.split('?', 1)[0] ?? url
}

function quoted(fileName: string): string {
  // Names come from outside and may be of any length and content.
  return JSON.stringify(fileName.length > 80 ? `${fileName.slice(0, 77)}...` : fileName)
}
