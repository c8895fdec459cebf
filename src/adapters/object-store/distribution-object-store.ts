import { contentHeaders } from '../../domain/content-headers.ts'
import { readContentPath } from '../../domain/distribution.ts'
import type { StartDigest } from '../../ports/digest.ts'
import type { DistributionStore, StoredCopy } from '../../ports/distribution-store.ts'
import { isPlaceMissing } from './call-store.ts'
import type { ObjectService } from './object-service.ts'
import { writeObject } from './write-object.ts'

/** No copy takes longer, whoever writes it. */
const ABANDONED_MS = 24 * 3600 * 1000

export interface ObjectCopies {
  prefix: string
  /** Makes the bucket or container if it is missing. */
  makeIfMissing(): Promise<void>
  /** Whether parts that nobody completes stay for ever. */
  keepsParts: boolean
  /** Throws a sentence where the store would keep something under another name. */
  checkName?(fileName: string): void
  startDigest?: StartDigest | undefined
}

/**
 * A distribution store of objects, under `PREFIX/{contentId}/{fileName}`. A bucket or container that is missing is empty, and is made for
 * the first copy. What others keep beside the copies is left alone.
 */
export function objectCopies(service: ObjectService, options: ObjectCopies): DistributionStore {
  const { prefix, makeIfMissing, keepsParts, checkName, startDigest } = options
  const folder = prefix === '' ? '' : `${prefix}/`
  let made: Promise<void> | undefined

  function keyOf(path: string): string {
    // The SDKs write addresses with it, in which some names mean something else.
    if (readContentPath(path) === undefined) throw new TypeError(`${JSON.stringify(path)} is no path of a copy`)
    return folder + path
  }

  /** What the empty store answers where all of it is missing. It is made again then by the next copy. */
  function ifPlaceMissing(error: unknown): undefined {
    if (!isPlaceMissing(error)) throw error
    made = undefined
  }

  async function dropAbandoned(): Promise<void> {
    const begunBefore = Date.now() - ABANDONED_MS
    for await (const { key, touchedAt, drop } of service.incomplete(folder, { begunBefore })) {
      if (touchedAt < begunBefore && readContentPath(key.slice(folder.length)) !== undefined) await drop()
    }
  }

  async function* copies(): AsyncGenerator<StoredCopy> {
    let last = ''
    for await (const { key, ...object } of service.list(folder)) {
      const path = key.slice(folder.length)
      const contentId = readContentPath(path)?.contentId
      if (contentId === undefined) continue
      // Whoever compares it with another list would take copies for missing.
      if (contentId < last)
        throw new Error(`The store ${service.title} does not list its objects in the order of their keys.`)
      last = contentId
      yield { path, ...object }
    }
  }

  return {
    async put({ path, fileName, sizeInBytes }, bytes) {
      const key = keyOf(path)
      checkName?.(fileName)
      try {
        made ??= makeIfMissing()
        await made
        await using writer = writeObject({
          name: path,
          key,
          sizeInBytes,
          service,
          startDigest,
          headers: contentHeaders(fileName),
          isReplacement: true,
        })
        for await (const chunk of bytes) await writer.write(chunk)
        await writer.commit()
      } catch (error) {
        // Perhaps it is missing again.
        made = undefined
        throw error
      }
    },

    async size(path) {
      const key = keyOf(path)
      return (await service.find(key).catch(ifPlaceMissing))?.sizeInBytes
    },

    async *list(): AsyncIterable<StoredCopy> {
      // Whoever looks at everything sees what crashes have left, too.
      if (keepsParts) await dropAbandoned().catch(ifPlaceMissing)
      try {
        yield* copies()
      } catch (error) {
        ifPlaceMissing(error)
      }
    },

    async delete(path) {
      const key = keyOf(path)
      await service.delete(key).catch(ifPlaceMissing)
    },
  }
}
