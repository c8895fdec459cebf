import { AppError } from '../../domain/errors.ts'
import type { ManifestBaseFile, ManifestParts } from '../../domain/import-manifest.ts'
import type { ImportInput } from '../../domain/import-request.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { ExpectedFile } from '../sources/copy-checked.ts'

/** A file of the manifest together with the URL that the request gives for it. */
export interface MatchedFile extends ExpectedFile {
  fileName: string
}

/** A URL of the request for which the manifest has no file, or had one already. */
export type SpareFile = Pick<MatchedFile, 'fileName' | 'title' | 'url'>

/** How the files of a manifest and of a request fit together. */
export interface FileMatch {
  matched: MatchedFile[]
  spare: SpareFile[]
  /** `AppError('CannotProcessUpdateFile')`, unless each file has exactly one URL and each URL a file. */
  error?: AppError
}

/**
 * Pairs every file and related file of a manifest with its URL. The error has all mistakes in `details`. The target of a mistake is its
 * place in the input, or in the manifest where a file of that has no URL. Where the manifest may mean more files than it names, none of
 * the input counts as not listed.
 */
export function matchFiles(
  { files, hasEveryFileName }: Pick<ManifestParts, 'files' | 'hasEveryFileName'>,
  input: ImportInput,
): FileMatch {
  const expected = files.flatMap((file) => [file, ...file.relatedFiles])
  const errors: AppError[] = []
  const spare: SpareFile[] = []
  const urls = new Map<string, URL>()

  input.files.forEach(({ fileName, url: text }, index) => {
    const target = `/files/${index}`
    const title = quoted(fileName)
    const url = new URL(text)
    if (urls.has(fileName)) {
      errors.push(new AppError('FileNameRepeated', `The request lists ${title} twice.`, { target }))
      spare.push({ fileName, title, url })
      return
    }
    urls.set(fileName, url)
    if (expected.some((file) => file.fileName === fileName)) return
    spare.push({ fileName, title, url })
    if (hasEveryFileName) errors.push(notListed({ fileName, url: text, expected, input, target }))
  })

  const matched: MatchedFile[] = []
  for (const { fileName, sizeInBytes, hashes, pointer: target } of expected) {
    if (fileName === '') continue
    const title = quoted(fileName)
    const url = urls.get(fileName)
    if (url !== undefined) matched.push({ title, fileName, url, sizeInBytes, hashes })
    else {
      const message = `The manifest lists ${title}, but the request has no URL for it.`
      errors.push(new AppError('FileNotSupplied', message, { target }))
    }
  }
  return { matched, spare, ...(errors.length > 0 && { error: cannotMatch(errors) }) }
}

function cannotMatch(errors: readonly AppError[]): AppError {
  const [first] = errors as [AppError]
  return new AppError('CannotProcessUpdateFile', 'Error processing source file.', {
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
