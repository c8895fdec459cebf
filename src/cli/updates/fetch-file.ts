import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, lstat, open, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { rootCertificates } from 'node:tls'
import type { Connection } from '../connect.ts'
import { fetchFrom } from '../fetch-from.ts'
import { CommandError } from '../report.ts'
import type { AnyFile } from './every-file.ts'

/** Tries in a row that brought no byte. */
const TRIES_MAX = 5
const RETRY_MS = 200

export interface FetchFileOptions {
  connection: Pick<Connection, 'server' | 'ca'>
  signal: AbortSignal
  onProgress: (bytesDone: number) => void
}

/**
 * Fills `part` with the bytes of a file, and returns once they are flushed and have the right digest. It goes on where
 * `part` ends, tries again where the connection breaks, and begins anew once if what it went on with was no good.
 * Throws a `CommandError` where all that did not help, and the reason of `signal`; `part` stays for the next time
 * unless its bytes are wrong.
 */
export async function fetchFile(
  part: string,
  file: AnyFile,
  { connection, signal, onProgress }: FetchFileOptions,
): Promise<void> {
  const { fileName, sizeInBytes, hashes } = file
  let { handle, hash, bytesDone } = await openPart(part, sizeInBytes)
  let hasBegunAnew = bytesDone === 0
  try {
    for (let tries = 1; ; ) {
      const before = bytesDone
      try {
        for await (const chunk of bytesFrom(file, { connection, start: bytesDone, signal })) {
          if (chunk === 'from-the-start') {
            await handle.truncate(0)
            hash = createHash('sha256')
            bytesDone = 0
            continue
          }
          if (bytesDone + chunk.byteLength > sizeInBytes)
            throw new CommandError(`The server sends more than the ${sizeInBytes} bytes that ${fileName} has.`)
          await writeAll(handle, chunk, bytesDone)
          hash.update(chunk)
          bytesDone += chunk.byteLength
          onProgress(bytesDone)
        }
        if (bytesDone < sizeInBytes) throw new Error(`the connection ended after ${bytesDone} of ${sizeInBytes} bytes`)
      } catch (error) {
        if (error instanceof CommandError || signal.aborted) throw error
        tries = bytesDone > before ? 1 : tries + 1
        const reason = error instanceof Error ? error.message : String(error)
        if (tries > TRIES_MAX) {
          throw new CommandError(
            `${fileName} could not be downloaded: ${reason}. ${bytesDone} of ${sizeInBytes} bytes are kept; the same command goes on from there.`,
          )
        }
        await sleep(RETRY_MS * tries, undefined, { signal })
        continue
      }
      const digest = hash.copy().digest('base64')
      if (digest === hashes.sha256) break
      if (hasBegunAnew) {
        await rm(part, { force: true })
        throw new CommandError(
          `${fileName} is not what the catalogue says: its SHA-256 must be ${hashes.sha256}, but is ${digest}. It was not kept. Ask the operator to run "aduana doctor --deep".`,
        )
      }
      hasBegunAnew = true
      await handle.truncate(0)
      hash = createHash('sha256')
      bytesDone = 0
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What is there already of a file, with its digest so far. */
async function openPart(
  part: string,
  sizeInBytes: number,
): Promise<{ handle: FileHandle; hash: Hash; bytesDone: number }> {
  const found = await lstat(part).catch(() => undefined)
  // Whatever is no file of ours, such as a link to elsewhere, makes way.
  if (found !== undefined && (!found.isFile() || found.size > sizeInBytes))
    await rm(part, { recursive: true, force: true })
  const hash = createHash('sha256')
  let bytesDone = 0
  const handle = await open(part, found?.isFile() && found.size <= sizeInBytes ? 'r+' : 'wx+', 0o644)
  try {
    for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1024 * 1024 })) {
      hash.update(chunk)
      bytesDone += chunk.length
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  return { handle, hash, bytesDone }
}

/** The bytes from `start` on. Before them comes `from-the-start` where the server does not go on, but begins anew. */
async function* bytesFrom(
  { fileName, contentUrl, sizeInBytes }: AnyFile,
  { connection, start, signal }: { connection: Pick<Connection, 'server' | 'ca'>; start: number; signal: AbortSignal },
): AsyncGenerator<Uint8Array | 'from-the-start'> {
  if (start === sizeInBytes) return
  const url = URL.parse(contentUrl)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CommandError(`The server gives no address for ${fileName} that this could download from.`)
  // Content needs no token, and none is sent: it may lie anywhere.
  const { server, ca } = connection
  const fetch = url.origin === server ? fetchFrom(server, ca) : fetchFrom(url.origin, ca && [...rootCertificates, ca])
  const response = await fetch(url, {
    headers: { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) },
    signal,
  })
  if (response.status >= 400 && response.status < 500 && response.status !== 429 && response.status !== 416) {
    await response.body?.cancel()
    throw new CommandError(
      `${fileName} cannot be downloaded: ${url.origin} answers with the status ${response.status}.`,
    )
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel()
    if (response.status === 416) yield 'from-the-start'
    throw new Error(`${url.origin} answers with the status ${response.status}`)
  }
  const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${start}-`)
  if (start > 0 && !goesOn) yield 'from-the-start'
  yield* response.body
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, written, chunk.byteLength - written, position + written)
    written += bytesWritten
  }
}
