import { realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { BaseFileChoice } from '../../domain/authoring/choices.ts'
import { hashFile } from '../hash-file.ts'
import { type Draft, inlineSteps } from './draft.ts'
import { hashProgress } from './hash-progress.ts'

/** What is known of the bytes behind a path. */
export interface MeasuredFile extends Pick<BaseFileChoice, 'fileName' | 'sizeInBytes' | 'sha256'> {
  /** The same for every way to the same file. */
  realPath: string
}

/** Stands for a digest while the bytes have not been read. */
const UNREAD_SHA256 = `${'A'.repeat(43)}=`

/** Looks at a file without reading it. Throws an `Error` with a sentence where there is none. */
export async function findFile(path: string): Promise<MeasuredFile> {
  try {
    const [realPath, stats] = [await realpath(path), await stat(path)]
    if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'is a folder, not a file.' : 'is no ordinary file.')
    return { fileName: basename(path), realPath, sizeInBytes: stats.size, sha256: UNREAD_SHA256 }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new Error(code === 'ENOENT' ? 'there is no such file.' : `cannot be read: ${message}.`, { cause: error })
  }
}

/** The files of a draft by their paths, not read yet. One that is not there has a sentence in `mistakes`, and a stand-in. */
export async function findFiles(draft: Draft): Promise<{ found: Map<string, MeasuredFile>; mistakes: string[] }> {
  const found = new Map<string, MeasuredFile>()
  const mistakes: string[] = []
  for (const { flag, path } of inlineSteps(draft).flatMap(({ files }) => files.flatMap(withRelated))) {
    if (found.has(path)) continue
    try {
      found.set(path, await findFile(path))
    } catch (error) {
      mistakes.push(`${flag} ${path}: ${error instanceof Error ? error.message : error}`)
      found.set(path, { fileName: basename(path), realPath: path, sizeInBytes: 1, sha256: UNREAD_SHA256 })
    }
  }
  return { found, mistakes }
}

function withRelated({ path, relatedFiles }: { path: string; relatedFiles: readonly { path: string }[] }) {
  return [{ flag: '--file', path }, ...relatedFiles.map(({ path }) => ({ flag: '--related-file', path }))]
}

/** The same files with their digests; each is read once, however many paths lead to it. */
export async function hashFiles(found: ReadonlyMap<string, MeasuredFile>): Promise<Map<string, MeasuredFile>> {
  const files = new Map([...found.values()].map((file) => [file.realPath, file]))
  const progress = await hashProgress([...files.values()].reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0))
  try {
    for (const [realPath, file] of files) {
      files.set(realPath, { ...file, ...(await hashFile(realPath, { onBytes: progress.add })) })
    }
  } finally {
    progress.end()
  }
  return new Map([...found].map(([path, file]) => [path, { ...files.get(file.realPath)!, fileName: file.fileName }]))
}
