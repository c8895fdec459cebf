import { stat } from 'node:fs/promises'
import { hashFile } from '../hash-file.ts'
import type { Transfer } from '../terminal/transfers.ts'
import type { Publication, PublishedFile } from './read-publications.ts'

/** A file of this machine that an import needs, once, however many updates name it. */
export interface LocalFile extends PublishedFile {
  path: string
}

/** The files of the publications that are on this machine. */
export function localFilesOf(publications: readonly Publication[]): LocalFile[] {
  const files = new Map<string, LocalFile>()
  for (const file of publications.flatMap((publication) => publication.files)) {
    if ('path' in file.origin) files.set(keyOf(file), { ...file, path: file.origin.path })
  }
  return [...files.values()]
}

/** What tells files apart: two manifests may give different files the same name. */
export function keyOf({ fileName, sha256, sizeInBytes }: Omit<PublishedFile, 'origin'>): string {
  return `${sha256} ${sizeInBytes} ${fileName.toLowerCase()}`
}

/**
 * Compares every local file with what its manifest says of it, before a byte of any is sent. Answers a sentence for each that is missing
 * or something else. `onProgress` hears how far it is.
 */
export async function checkLocalFiles(
  publications: readonly Publication[],
  { signal, onProgress }: { signal: AbortSignal; onProgress: (transfers: readonly Transfer[]) => void },
): Promise<string[]> {
  const files = publications.flatMap((publication) =>
    publication.files.flatMap((file) =>
      'path' in file.origin ? { ...file, path: file.origin.path, publication } : [],
    ),
  )
  const transfers: Transfer[] = files.map(({ fileName, sizeInBytes }) => ({
    name: fileName,
    phase: 'to check',
    bytesDone: 0,
    sizeInBytes,
  }))
  const mistakes: string[] = []
  const digests = new Map<string, string>()
  for (const [i, { fileName, sizeInBytes, sha256, path, publication }] of files.entries()) {
    const show = (changes: Partial<Transfer>) => {
      transfers[i] = { ...(transfers[i] as Transfer), ...changes }
      onProgress(transfers)
    }
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
    if (found instanceof Error || !found.isFile()) {
      mistakes.push(
        `${fileName}: ${publication.title} lists it, but ${path} ${found instanceof Error ? whyNot(found) : 'is no file'}. Put it there, or say where it is: --file ${fileName}=PATH-OR-URL`,
      )
    } else if (found.size !== sizeInBytes) {
      mistakes.push(
        `${fileName}: ${path} has ${found.size} bytes, but ${publication.title} says ${sizeInBytes}. Was it built again? Make the manifest anew, or find the file that it was made from.`,
      )
    } else {
      let bytesDone = 0
      const onBytes = (bytes: number) => {
        bytesDone += bytes
        show({ phase: 'checking', bytesDone })
      }
      const digest = digests.get(path) ?? (await hashFile(path, { signal, onBytes })).sha256
      digests.set(path, digest)
      if (digest !== sha256) {
        mistakes.push(
          `${fileName}: ${path} has the SHA-256 ${digest}, but ${publication.title} says ${sha256}. Was it built again? Make the manifest anew, or find the file that it was made from.`,
        )
      }
    }
    show({ phase: 'checked', bytesDone: sizeInBytes, isDone: true })
  }
  return mistakes
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'is not there'
  return code === 'EACCES' ? 'cannot be read: permission denied' : `cannot be read: ${message}`
}
