import type { ContentFile, UpdateWithContent } from '../../client/api-types.ts'

/** A file of an update, or one that belongs to such a file. */
export interface AnyFile extends ContentFile {
  /** The name of the file that this one is related to. */
  relatedTo?: string
}

/** The files of an update with their related files behind them, each content and name once. */
export function everyFile({ files }: Pick<UpdateWithContent, 'files'>): AnyFile[] {
  const all = files.flatMap((file) => {
    const { relatedFiles = [], ...itself } = file
    return [itself, ...relatedFiles.map((related): AnyFile => ({ ...related, relatedTo: file.fileName }))]
  })
  const seen = new Set<string>()
  return all.filter(({ fileName, hashes }) => {
    const key = `${hashes.sha256} ${fileName}`
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
}
