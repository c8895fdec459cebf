import { readApiError } from '../../src/client/api-error.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { OCTETS, stagingPath, TUS } from '../support/stage.ts'
import type { KillImport } from './kill-imports.ts'

const MiB = 1024 * 1024

/** How far a client is with the upload of one thing, over the deaths of the server. */
export interface KillUpload {
  bytes: Uint8Array
  /** Known once the server has answered the creation. */
  id?: string
  /** What the server has said that it keeps: never less afterwards. */
  keptBytes: number
}

/** The uploads of an import that is staged, by what the request will name: `2/` is the manifest of its update 2, `2/a.bin` a file. */
export function planUploads({ updates }: Pick<KillImport, 'updates'>): Map<string, KillUpload> {
  return new Map(
    updates.flatMap(({ manifestBytes, payloads }, index) => [
      [`${index}/`, { bytes: manifestBytes, keptBytes: 0 }] as const,
      ...[...payloads].map(([name, bytes]) => [`${index}/${name}`, { bytes, keptBytes: 0 }] as const),
    ]),
  )
}

/** Where uploads go. */
interface Place {
  url: string
  token: string
  instance: string
  signal: AbortSignal
  /** Told of what must not be. */
  find: (sentence: string) => void
}

/** Uploads what is left of one thing, in pieces of different sizes. Throws where the server does not answer: then the next call goes on. */
export async function sendUpload(upload: KillUpload, place: Place, random: SeededRandom): Promise<void> {
  const { bytes } = upload
  if (upload.id === undefined) {
    const { headers } = await askPlace(place, '', 'POST', { 'upload-length': String(bytes.length) }, [201])
    upload.id = headers.get('location')?.split('/').at(-1) ?? ''
  }
  let offset = await offsetOf(upload, place)
  while (offset < bytes.length) {
    const piece = bytes.subarray(offset, offset + random.size(MiB, 12 * MiB))
    const headers = { ...OCTETS, 'upload-offset': String(offset) }
    await askPlace(place, upload.id, 'PATCH', headers, [204, 409], piece)
    offset = await offsetOf(upload, place)
  }
}

/** Where the server says that the upload ends. */
async function offsetOf(upload: KillUpload, place: Place): Promise<number> {
  const { headers } = await askPlace(place, upload.id ?? '', 'HEAD', {}, [200])
  const offset = Number(headers.get('upload-offset'))
  if (offset < upload.keptBytes) {
    place.find(`The upload ${upload.id} had ${upload.keptBytes} bytes, and has ${offset}.`)
  }
  upload.keptBytes = offset
  return offset
}

async function askPlace(
  { url, token, instance, signal }: Place,
  id: string,
  method: string,
  headers: Record<string, string>,
  expected: readonly number[],
  body?: Uint8Array,
): Promise<Response> {
  const response = await fetch(url + stagingPath(instance) + (id === '' ? '' : `/${id}`), {
    method,
    headers: { authorization: `Bearer ${token}`, ...TUS, ...headers },
    signal,
    ...(body !== undefined && { body: Buffer.from(body) }),
  })
  if (expected.includes(response.status)) return response
  throw await readApiError(response)
}

/** Names the uploads in place of the URLs of the source. */
export function nameUploads({ updates, uploads }: Pick<KillImport, 'updates' | 'uploads'>): void {
  const urlOf = (key: string) => `staging:${uploads?.get(key)?.id}`
  for (const [index, { input }] of updates.entries()) {
    input.importManifest.url = urlOf(`${index}/`)
    for (const file of input.files ?? []) file.url = urlOf(`${index}/${file.filename}`)
  }
}
