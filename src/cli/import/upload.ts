import type { ImportUpdateInput } from '../../client/api-types.ts'
import { interruptible } from '../interruptible.ts'
import { type Attempt, isChild } from './attempt.ts'
import type { Publication } from './read-publications.ts'
import { type Staged, stageAll } from './stage-all.ts'

/** Uploads what is on this machine, and answers what the server is asked to import. */
export async function upload({
  publications,
  connection,
  remembered,
  view,
  friendlyName,
}: Attempt): Promise<ImportUpdateInput[]> {
  const stopped =
    'Stopped; nothing is imported. The same command goes on where this one was, as long as the server keeps what was uploaded.'
  const staged = await interruptible(stopped, (signal) =>
    stageAll(publications, { connection, remembered, signal, onProgress: view.show }),
  ).finally(view.clear)
  return publications.map((publication) =>
    inputOf(publication, { staged, friendlyName: isChild(publication, publications) ? undefined : friendlyName }),
  )
}

function inputOf(
  publication: Publication,
  { staged, friendlyName }: { staged: Staged; friendlyName: string | undefined },
): ImportUpdateInput {
  const { bytes, sha256, origin, files } = publication
  return {
    importManifest: {
      url: 'url' in origin ? origin.url : staged.manifest(publication),
      sizeInBytes: bytes.byteLength,
      hashes: { sha256 },
    },
    ...(friendlyName !== undefined && { friendlyName }),
    ...(files.length > 0 && {
      files: files.map((file) => ({
        filename: file.fileName,
        url: 'url' in file.origin ? file.origin.url : staged.file(file),
      })),
    }),
  }
}
