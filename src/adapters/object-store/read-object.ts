import { setTimeout as sleep } from 'node:timers/promises'
import type { BlobName } from '../../domain/blob.ts'
import { AppError } from '../../domain/errors.ts'
import type { ByteRange } from '../../ports/blob-store.ts'
import { isNotThere, isStatus, reasonOf, type StorePatience } from './call-store.ts'
import type { ObjectBody, ObjectService } from './object-service.ts'

export interface ReadObject {
  name: BlobName
  key: string
  range: ByteRange | undefined
  service: ObjectService
  patience: StorePatience
}

/**
 * Begins to read a blob, or a range of it. Where the connection breaks, reading goes on at the next byte, and only
 * while the object is the same. Ending the iteration early ends the connection; one that nobody reads from ends by its
 * time limit. Throws `AppError('BlobMissing')` if the object or a part of it is not there.
 */
export async function readObject({
  name,
  key,
  range,
  service,
  patience,
}: ReadObject): Promise<AsyncIterable<Uint8Array>> {
  async function get(options: { range: ByteRange | undefined; etag?: string }): Promise<ObjectBody> {
    try {
      const body = await service.get(key, options)
      // Nobody may be listening yet, or any more, when it breaks.
      body.bytes.on('error', () => {})
      return body
    } catch (error) {
      if (isStatus(error, 416)) throw tooShort(name, options.range)
      // Under the name of a blob there is never another object: a changed one is as good as none.
      throw isNotThere(error) || isStatus(error, 412) ? missing(name) : error
    }
  }

  const first = await get({ range })

  async function* read(): AsyncGenerator<Uint8Array> {
    const end = range?.end ?? first.sizeInBytes - 1
    let position = range?.start ?? 0
    let body = first
    for (let failures = 0; position <= end; ) {
      try {
        // Leaving this loop destroys the stream, and with it the connection.
        for await (const chunk of body.bytes as AsyncIterable<Uint8Array>) {
          failures = 0
          position += chunk.length
          yield chunk
        }
        if (position <= end) throw new Error(`the answer ended ${end - position + 1} bytes too early`)
        return
      } catch (error) {
        const pauseMs = patience.pausesMs[failures]
        if (pauseMs === undefined) throw brokenOff(service.title, name, error)
        failures += 1
        await sleep(pauseMs)
      }
      body = await get({ range: { start: position, end }, etag: first.etag })
    }
  }

  return read()
}

function missing(name: BlobName): AppError {
  return new AppError(
    'BlobMissing',
    `The bytes with the SHA-256 ${name.slice(0, 64)} (blob ${name}) are not in the store. ` +
      'Import the update again, or restore the store from a backup.',
    { target: name },
  )
}

function tooShort(name: BlobName, range: ByteRange | undefined): AppError {
  return new AppError(
    'BlobMissing',
    `Blob ${name} has no byte ${range?.start}, but up to ${range?.end} were asked for.`,
    {
      target: name,
    },
  )
}

function brokenOff(title: string, name: BlobName, error: unknown): AppError {
  return new AppError(
    'StoreFailed',
    `The store ${title} broke off again and again while ${name} was read: ${reasonOf(error)}.`,
    {
      target: name,
      mayRecover: true,
    },
  )
}
