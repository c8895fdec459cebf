import { createReadStream, ReadStream } from 'node:fs'
import { DefaultHttpStack, DetailedError, Upload } from 'tus-js-client'
import { ApiError } from '../../client/api-error.ts'
import type { Connection } from '../connect.ts'
import { CommandError } from '../report.ts'
import type { Remembered } from './remembered.ts'

/** What is uploaded: a file of this machine, or bytes that are known. */
export interface StageSource {
  fileName: string
  sizeInBytes: number
  sha256: string
  from: { path: string } | { bytes: Uint8Array }
}

/** A server that is restarted or upgraded comes back: some ten minutes of trying, from the last byte that went through. */
const RETRY_DELAYS_MS = [500, 1000, 2000, ...Array.from({ length: 120 }, () => 5000)]

/**
 * Uploads something to the staging area of the server by tus 1.0.0, from where an earlier run ended, and answers how an import names it:
 * `staging:ID`. Nothing is sent that the server has already. Throws `ApiError` where the server refuses, a `CommandError` where it stays
 * away, and the reason of `signal`.
 */
export async function stage(
  { fileName, sizeInBytes, sha256, from }: StageSource,
  {
    connection: { server, instance, token, ca },
    remembered,
    signal,
    onProgress,
  }: {
    connection: Connection
    remembered: Remembered
    signal: AbortSignal
    onProgress: (bytesDone: number) => void
  },
): Promise<string> {
  const what = stagedAs({ server, instance, fileName, sizeInBytes, sha256 })
  const known = await remembered.find(what)
  signal.throwIfAborted()
  const body = 'path' in from ? createReadStream(from.path) : Buffer.from(from.bytes)
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  let noted: Promise<void> = Promise.resolve()
  const upload = new Upload(body as unknown as Buffer, {
    endpoint: `${server}/aduana/v1/${instance}/staging`,
    ...(known !== undefined && { uploadUrl: known }),
    metadata: { filename: fileName },
    uploadSize: sizeInBytes,
    retryDelays: RETRY_DELAYS_MS,
    httpStack: new DefaultHttpStack(ca === undefined ? {} : { ca }),
    async onBeforeRequest(request) {
      // An answer decides where the bytes go next, and the token must not follow them to another server.
      const { origin } = new URL(request.getURL())
      if (origin !== server) throw new CommandError(`The server sends uploads to another server, ${origin}.`)
      request.setHeader('Authorization', `Bearer ${await token()}`)
    },
    onShouldRetry: (error) => mayRecover(error as DetailedError),
    onUploadUrlAvailable() {
      noted = remembered.note(what, upload.url ?? '')
    },
    onProgress,
    onSuccess: () => resolve(),
    onError: (error) => reject(readableError(error, { fileName, server })),
  })
  const abort = () => void upload.abort().finally(() => reject(signal.reason))
  signal.addEventListener('abort', abort, { once: true })
  try {
    upload.start()
    await ended
  } finally {
    signal.removeEventListener('abort', abort)
    if (body instanceof ReadStream) body.destroy()
    await noted
  }
  return `staging:${decodeURIComponent(new URL(upload.url ?? '').pathname.split('/').at(-1) ?? '')}`
}

/** By what an upload is remembered. */
export function stagedAs({
  server,
  instance,
  fileName,
  sizeInBytes,
  sha256,
}: { server: string; instance: string } & Omit<StageSource, 'from'>): (string | number)[] {
  return ['upload', server, instance, sha256, sizeInBytes, fileName]
}

/** A server that is away, busy, or has the upload open in another request for a moment longer. */
function mayRecover({ originalResponse, causingError }: DetailedError): boolean {
  if (causingError instanceof CommandError) return false
  const status = originalResponse?.getStatus() ?? 0
  return status < 400 || status >= 500 || [409, 423, 429].includes(status)
}

function readableError(error: Error, { fileName, server }: { fileName: string; server: string }): Error {
  if (!(error instanceof DetailedError)) return error
  if (error.causingError instanceof CommandError) return error.causingError
  const answer = error.originalResponse
  if (answer === null || answer === undefined) {
    const { code, message } = Object(error.causingError ?? error) as { code?: string; message?: string }
    return new CommandError(
      `${fileName} could not be uploaded: ${server} does not answer (${code ?? message}). The same command goes on from where it was.`,
    )
  }
  let body: { error?: { code?: string; message?: string } } = {}
  try {
    body = Object(JSON.parse(answer.getBody()))
  } catch {
    // A proxy may answer in its own words.
  }
  const status = answer.getStatus()
  return new ApiError({
    status,
    code: body.error?.code ?? `Http${status}`,
    message: `${fileName} could not be uploaded: ${body.error?.message ?? `the server answers with the status ${status}.`}`,
    body,
  })
}
