import type { PlannedInput } from '../run/import-plan.ts'
import type { Readiness } from '../run/readiness.ts'
import { judgeFileName, judgeManifestSize, judgeSha256, judgeUrl } from './judge-url.ts'

/** What was typed about a manifest and its files that have URLs. */
export interface Typed {
  url: string
  sizeInBytes: string
  sha256: string
  files: readonly { key: number; name: string; url: string }[]
}

export const NOTHING_TYPED: Typed = { url: '', sizeInBytes: '', sha256: '', files: [{ key: 0, name: '', url: '' }] }

/** One for each field; undefined where it is right. */
export interface Mistakes {
  url: string | undefined
  sizeInBytes: string | undefined
  sha256: string | undefined
  names: (string | undefined)[]
  urls: (string | undefined)[]
}

/** What is wrong, field by field, and what is to be imported where nothing is. */
export function judgeTyped({ url, sizeInBytes, sha256, files }: Typed): { mistakes: Mistakes; readiness: Readiness } {
  const mistakes: Mistakes = {
    url: judgeUrl(url),
    sizeInBytes: judgeManifestSize(sizeInBytes),
    sha256: judgeSha256(sha256),
    names: files.map(({ name }, index) =>
      judgeFileName(
        name,
        files.slice(0, index).map((other) => other.name),
      ),
    ),
    urls: files.map((file) => judgeUrl(file.url)),
  }
  const problems = [
    ...told('The manifest', [mistakes.url, mistakes.sizeInBytes, mistakes.sha256]),
    ...files.flatMap((_file, index) => told(`File ${index + 1}`, [mistakes.names[index], mistakes.urls[index]])),
  ]
  const plan = async (): Promise<PlannedInput[]> => [
    {
      manifest: { origin: { kind: 'url', url }, sizeInBytes: Number(sizeInBytes), sha256 },
      files: files.map((file) => ({ fileName: file.name, origin: { kind: 'url', url: file.url } })),
    },
  ]
  return { mistakes, readiness: { plan: problems.length > 0 ? undefined : plan, problems, waiting: undefined } }
}

function told(what: string, found: readonly (string | undefined)[]): string[] {
  return found.flatMap((mistake) => (mistake === undefined ? [] : `${what}: ${mistake}`))
}
