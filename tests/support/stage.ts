import { Upload, type UploadOptions } from 'tus-js-client'
import type { ImportUpdateInput } from '../../src/client/api-types.ts'
import type { MisbehavingSource } from './misbehaving-source.ts'
import { type PublishedUpdate, publishUpdate, type UpdateRecipe } from './publish-update.ts'

/** Where uploads go, and for whom. */
export interface StagingPlace {
  httpUrl: string
  token: string
  instance?: string
}

export const stagingPath = (instance = 'default') => `/aduana/v1/${instance}/staging`

/** Uploads bytes by the official client. Answers the URL that an import names them by. */
export async function stage(
  place: StagingPlace,
  bytes: Uint8Array,
  options: Partial<UploadOptions> = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const upload = new Upload(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
    endpoint: place.httpUrl + stagingPath(place.instance),
    headers: { authorization: `Bearer ${place.token}` },
    retryDelays: [50, 100, 200, 400, 800, 1600, 3200],
    onSuccess: () => resolve(stagingUrl(upload)),
    onError: reject,
    ...options,
  })
  upload.start()
  return await promise
}

export function stagingUrl({ url }: { url: string | null }): string {
  return `staging:${url?.split('/').at(-1)}`
}

/** Publishes an update nowhere: what the input names is for the caller to stage. */
export function unpublishedUpdate(recipe: UpdateRecipe = {}): PublishedUpdate {
  const nowhere: Pick<MisbehavingSource, 'at'> = { at: (path) => new URL(path, 'http://source.invalid') }
  return publishUpdate(nowhere, recipe)
}

/** Stages an update, its manifest too. */
export async function stageUpdate(
  place: StagingPlace,
  recipe: UpdateRecipe = {},
): Promise<Pick<PublishedUpdate, 'updateId' | 'payloads'> & { input: ImportUpdateInput }> {
  const { input, updateId, manifestBytes, payloads } = unpublishedUpdate(recipe)
  input.importManifest.url = await stage(place, manifestBytes, { metadata: { filename: 'importmanifest.json' } })
  for (const file of input.files ?? []) {
    const bytes = payloads.get(file.filename) ?? Buffer.of()
    file.url = await stage(place, bytes, { metadata: { filename: file.filename } })
  }
  return { input, updateId, payloads }
}
