import type { Connection } from '../connect.ts'
import type { Transfer } from '../terminal/transfers.ts'
import { keyOf, localFilesOf } from './check-local-files.ts'
import { manifestName, type Publication, type PublishedFile } from './read-publications.ts'
import type { Remembered } from './remembered.ts'
import { type StageSource, stage } from './stage.ts'

/** A slow line is filled by a few; many at once would only make each of them slow. */
const UPLOADS_AT_ONCE = 3

/** How an import names what was uploaded: `staging:ID`. */
export interface Staged {
  manifest(publication: Publication): string
  file(file: PublishedFile): string
}

/** Uploads everything of the publications that is on this machine, each thing once. `onProgress` hears how far each is. */
export async function stageAll(
  publications: readonly Publication[],
  {
    connection,
    remembered,
    signal,
    onProgress,
  }: {
    connection: Connection
    remembered: Remembered
    signal: AbortSignal
    onProgress: (transfers: readonly Transfer[]) => void
  },
): Promise<Staged> {
  const sources = new Map<string, StageSource>()
  for (const { path, ...file } of localFilesOf(publications)) sources.set(keyOf(file), { ...file, from: { path } })
  for (const publication of publications) {
    if ('path' in publication.origin) sources.set(keyOf(manifestFile(publication)), manifestSource(publication))
  }
  const keys = [...sources.keys()]
  const transfers: Transfer[] = [...sources.values()].map(({ fileName, sizeInBytes }) => ({
    name: fileName,
    phase: 'to upload',
    bytesDone: 0,
    sizeInBytes,
  }))
  const urls = new Map<string, string>()
  const failing = new AbortController()
  const both = AbortSignal.any([signal, failing.signal])

  const waiting = keys.entries()
  async function work(): Promise<void> {
    for (const [i, key] of waiting) {
      const source = sources.get(key) as StageSource
      const show = (changes: Partial<Transfer>) => {
        transfers[i] = { ...(transfers[i] as Transfer), ...changes }
        onProgress(transfers)
      }
      show({ phase: 'uploading' })
      const onUpload = (bytesDone: number) => show({ bytesDone })
      urls.set(key, await stage(source, { connection, remembered, signal: both, onProgress: onUpload }))
      show({ phase: 'uploaded', bytesDone: source.sizeInBytes, isDone: true })
    }
  }
  const working = Array.from({ length: UPLOADS_AT_ONCE }, () =>
    work().catch((error) => {
      // The first one says what is wrong; the others stop.
      failing.abort(error)
      throw error
    }),
  )
  const [failure] = (await Promise.allSettled(working)).filter(({ status }) => status === 'rejected')
  if (failure !== undefined) throw failing.signal.reason
  const urlOf = (key: string) => urls.get(key) ?? ''
  return { manifest: (publication) => urlOf(keyOf(manifestFile(publication))), file: (file) => urlOf(keyOf(file)) }
}

function manifestFile(publication: Publication) {
  const { bytes, sha256 } = publication
  return { fileName: manifestName(publication), sizeInBytes: bytes.byteLength, sha256 }
}

function manifestSource(publication: Publication): StageSource {
  return { ...manifestFile(publication), from: { bytes: publication.bytes } }
}
