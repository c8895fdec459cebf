import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Upload, type UploadOptions } from 'tus-js-client'
import type { ApiClient } from '../../src/client/api-client.ts'
import type { ImportUpdateInput } from '../../src/client/api-types.ts'
import type { UpdateId } from '../../src/domain/update-id.ts'
import { type Answered, ask, type Question } from './ask.ts'
import type { MisbehavingSource } from './misbehaving-source.ts'
import { type PublishedUpdate, publishUpdate, sha256Of, type UpdateRecipe } from './publish-update.ts'

/** Where uploads go, and for whom. */
export interface StagingPlace {
  httpUrl: string
  token: string
  instance?: string
}

export const stagingPath = (instance = 'default') => `/aduana/v1/${instance}/staging`

export const TUS = { 'tus-resumable': '1.0.0' }
export const OCTETS = { 'content-type': 'application/offset+octet-stream' }

/** Asks at the path of an upload, or, for an empty id, where uploads begin. */
export function askTus(
  { httpUrl, token, instance }: StagingPlace,
  id: string,
  question: Question = {},
): Promise<Answered> {
  return ask(httpUrl, stagingPath(instance) + (id === '' ? '' : `/${id}`), {
    ...question,
    headers: { authorization: `Bearer ${token}`, ...TUS, ...question.headers },
  })
}

/** Makes an upload without bytes. Answers its id. */
export async function createUpload(place: StagingPlace, sizeInBytes: number): Promise<string> {
  const { status, headers, text } = await askTus(place, '', {
    method: 'POST',
    headers: { 'upload-length': String(sizeInBytes) },
  })
  assert.equal(status, 201, text)
  return headers.location?.split('/').at(-1) ?? ''
}

/**
 * Sends bytes of an upload and then, although it said that there are more, nothing. Answers the status of the answer, once there is one, or
 * 0 where the connection ends without.
 */
export async function sendAndStall(
  { httpUrl, token, instance }: StagingPlace,
  id: string,
  { offset, bytes, announcedBytes }: { offset: number; bytes: Uint8Array; announcedBytes: number },
): Promise<{ answered: Promise<number> }> {
  const { hostname, port } = new URL(httpUrl)
  const { promise: answered, resolve } = Promise.withResolvers<number>()
  const patch = request({
    ...{ hostname, port, path: `${stagingPath(instance)}/${id}`, method: 'PATCH', agent: false },
    headers: {
      ...{ authorization: `Bearer ${token}`, ...TUS, ...OCTETS },
      ...{ 'upload-offset': offset, 'content-length': announcedBytes },
    },
  })
  patch.on('response', (response) => resolve(response.statusCode ?? 0)).on('error', () => resolve(0))
  await new Promise<unknown>((sent) => patch.write(bytes, sent))
  return { answered }
}

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

/** Stages an update, its manifest too. `stageOptions` are for its files. */
export async function stageUpdate(
  place: StagingPlace,
  { stageOptions, ...recipe }: UpdateRecipe & { stageOptions?: Partial<UploadOptions> } = {},
): Promise<Pick<PublishedUpdate, 'updateId' | 'payloads'> & { input: ImportUpdateInput }> {
  const { input, updateId, manifestBytes, payloads } = unpublishedUpdate(recipe)
  input.importManifest.url = await stage(place, manifestBytes, { metadata: { filename: 'importmanifest.json' } })
  for (const file of input.files ?? []) {
    const bytes = payloads.get(file.filename) ?? Buffer.of()
    file.url = await stage(place, bytes, { metadata: { filename: file.filename }, ...stageOptions })
  }
  return { input, updateId, payloads }
}

/** The SHA-256 of the content of each file, in base64, as devices get it. */
export async function contentOf(client: ApiClient, updateId: UpdateId): Promise<string[]> {
  const { files } = await client.getUpdateWithContent(updateId)
  return Promise.all(
    files.map(async ({ contentUrl }) => sha256Of(new Uint8Array(await (await fetch(contentUrl)).arrayBuffer()))),
  )
}
