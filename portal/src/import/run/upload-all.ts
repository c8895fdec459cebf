import { DetailedError, Upload } from 'tus-js-client'
import type { ApiClient } from '../../../../src/client/api-client.ts'
import { readApiError } from '../../../../src/client/api-error.ts'
import type { StagedFile } from '../../../../src/client/api-types.ts'
import type { Session } from '../../session/session.ts'
import type { OwnBytes } from './import-plan.ts'
import { tellsDigest, writeMetadata } from './upload-metadata.ts'

/** How far one upload is. */
export interface UploadProgress {
  name: string
  sizeInBytes: number
  bytesDone: number
  /** `retrying`: the connection was lost, and is tried again. */
  state: 'waiting' | 'sending' | 'retrying' | 'done'
}

export interface UploadContext {
  client: ApiClient
  session: Session
}

interface Staged {
  own: OwnBytes
  id: string
}

const TUS = { 'tus-resumable': '1.0.0' }
const AT_ONCE = 2
/** A proxy that collects a whole request before it hands it on must not lose gigabytes, nor need room for them. */
const CHUNK_BYTES = 32 * 1024 * 1024
/** Five minutes in all; they begin again with every byte that gets through. */
const RETRY_DELAYS_MS = [300, 1000, 2000, 4000, 8000, ...Array<number>(19).fill(15_000)]

/**
 * Uploads what is not there yet, and goes on where an earlier visit stopped. All uploads are made before the first byte is sent, so that a
 * quota is told at once; then nothing of them stays. Answers the `staging:` URLs by digest. Throws `ApiError`, or what `fetch` throws
 * where nobody answers; what came until then is kept for another try. `onMade` is told every upload that may be removed.
 */
export async function uploadAll(
  things: readonly OwnBytes[],
  { client, session }: UploadContext,
  {
    signal,
    onMade,
    onProgress,
  }: {
    signal: AbortSignal
    onMade: (ids: readonly string[]) => void
    onProgress: (progress: readonly UploadProgress[]) => void
  },
): Promise<Map<string, string>> {
  const uploads = await reserve(things, { client, session }, signal)
  onMade(uploads.map(({ id }) => id))
  const progress: UploadProgress[] = uploads.map(({ own: { name, blob } }) => {
    return { name, sizeInBytes: blob.size, bytesDone: 0, state: 'waiting' }
  })
  const change = (index: number, change: Partial<UploadProgress>) => {
    progress[index] = { ...(progress[index] as UploadProgress), ...change }
    onProgress([...progress])
  }
  onProgress([...progress])
  // What fails takes the others along: they are gone on with by the next try.
  const failing = new AbortController()
  const ending = AbortSignal.any([signal, failing.signal])
  const queue = uploads.entries()
  const sendQueue = async () => {
    for (const [index, staged] of queue) {
      if (ending.aborted) return
      await send(staged, { client, session, signal: ending, onChange: (next) => change(index, next) })
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, sendQueue))
  } catch (error) {
    failing.abort()
    throw error
  }
  signal.throwIfAborted()
  return new Map(uploads.map(({ own, id }) => [own.sha256, `staging:${id}`]))
}

/** Finds or makes an upload for everything. */
async function reserve(things: readonly OwnBytes[], context: UploadContext, signal: AbortSignal): Promise<Staged[]> {
  const known: StagedFile[] = []
  for await (const staged of context.client.listStaged()) known.push(staged)
  const made: string[] = []
  const uploads: Staged[] = []
  try {
    for (const own of things) {
      const found = await findEarlier(own, known, context)
      const id = found ?? (await make(own, context))
      if (found === undefined) made.push(id)
      uploads.push({ own, id })
      signal.throwIfAborted()
    }
  } catch (error) {
    await removeAll(made, context)
    throw error
  }
  return uploads
}

async function findEarlier(
  { blob, sha256 }: OwnBytes,
  known: readonly StagedFile[],
  { client, session }: UploadContext,
): Promise<string | undefined> {
  // Names may differ: the digest decides.
  for (const { id } of known.filter(({ sizeInBytes }) => sizeInBytes === blob.size)) {
    const { ok, headers } = await session.fetch(`${client.stagingUrl}/${id}`, { method: 'HEAD', headers: TUS })
    if (ok && tellsDigest(headers.get('upload-metadata') ?? '', sha256)) return id
  }
  return undefined
}

async function make(own: OwnBytes, { client, session }: UploadContext): Promise<string> {
  const response = await session.fetch(client.stagingUrl, {
    method: 'POST',
    headers: { ...TUS, 'upload-length': String(own.blob.size), 'upload-metadata': writeMetadata(own) },
  })
  if (!response.ok) throw await readApiError(response)
  return response.headers.get('location')?.split('/').at(-1) ?? ''
}

/** Removes uploads as far as it can; what stays ends by itself when its time is over. */
export async function removeAll(ids: readonly string[], { client }: Pick<UploadContext, 'client'>): Promise<void> {
  await Promise.all(ids.map((id) => client.deleteStaged(id).catch(() => {})))
}

async function send(
  { own, id }: Staged,
  {
    client,
    session,
    signal,
    onChange,
  }: UploadContext & { signal: AbortSignal; onChange: (change: Partial<UploadProgress>) => void },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const upload = new Upload(own.blob, {
    uploadUrl: `${client.stagingUrl}/${id}`,
    chunkSize: CHUNK_BYTES,
    retryDelays: RETRY_DELAYS_MS,
    // The browser keeps nothing: see `writeMetadata`.
    storeFingerprintForResuming: false,
    onBeforeRequest: (request) => session.sign(request),
    onShouldRetry(error) {
      const status = error.originalResponse?.getStatus() ?? 0
      const mayRecover = status === 0 || status >= 500 || [409, 423, 429].includes(status)
      if (mayRecover && !signal.aborted) onChange({ state: 'retrying' })
      return mayRecover
    },
    onProgress: (bytesDone) => onChange({ bytesDone, state: 'sending' }),
    onSuccess: () => resolve(),
    onError: (error) => void errorOf(error).then(reject),
  })
  const stop = () => void upload.abort().then(resolve, resolve)
  signal.addEventListener('abort', stop)
  onChange({ state: 'sending' })
  upload.start()
  await promise
  signal.removeEventListener('abort', stop)
  if (!signal.aborted) onChange({ bytesDone: own.blob.size, state: 'done' })
}

/** The error of the server where it sent one, else as `fetch` tells that nobody answers. */
async function errorOf(error: Error): Promise<Error> {
  const answer = error instanceof DetailedError ? error.originalResponse : null
  const status = answer?.getStatus() ?? 0
  if (status < 200) return new TypeError('The server does not answer.', { cause: error })
  return await readApiError(new Response(answer?.getBody() || null, { status }))
}
