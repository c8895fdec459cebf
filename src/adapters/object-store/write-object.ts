import { createHash, randomBytes } from 'node:crypto'
import { AppError } from '../../domain/errors.ts'
import type { BlobWriter } from '../../ports/blob-store.ts'
import type { Block } from '../../ports/block.ts'
import type { StartDigest } from '../../ports/digest.ts'
import { StoreCallFailed } from './call-store.ts'
import type { ObjectService, ObjectToWrite, Part, PartsUpload } from './object-service.ts'
import { partBuffersInUse, partBytesOf, returnPartBuffer, takePartBuffer } from './part-buffers.ts'

/**
 * So many parts of an object are on their way at once while the next one is filled, but only one where there are many writers: a writer
 * holds two or three buffers of 5 MiB, and twenty writers together hold 200 MiB. Objects above 48 GiB have larger parts.
 */
const PARTS_AT_ONCE = 2
const BUFFERS_MANY = 16

/** Up to this, a thread that hashes or a buffer for a whole part is not worth it. */
const SMALL_BYTES = 1024 * 1024

export interface WriteObject {
  /** How messages call it. */
  name: string
  key: string
  sizeInBytes: number
  service: ObjectService
  startDigest: StartDigest | undefined
  headers?: ObjectToWrite['headers']
  isReplacement?: ObjectToWrite['isReplacement']
  /** Called once, when nothing is written any more. */
  onEnd?(): void
}

/**
 * Writes one object: in a single request where it fits into one part, else in parts while the bytes come in. It is visible only after the
 * last request of `commit`. What was written cannot be gone on with: `suspend` drops it.
 */
export function writeObject({
  name,
  key,
  sizeInBytes,
  service,
  startDigest,
  headers,
  isReplacement,
  onEnd,
}: WriteObject): BlobWriter {
  const writerToken = randomBytes(16).toString('hex')
  const object: ObjectToWrite = { key, sizeInBytes, writerToken, headers, isReplacement }
  const partBytes = partBytesOf({ sizeInBytes, partsMax: service.partsMax })
  const isOnePart = sizeInBytes <= partBytes
  const given = new AbortController()
  const sending = new Set<Promise<void>>()
  let upload: Promise<PartsUpload> | undefined
  let filling: Uint8Array | undefined
  let filledBytes = 0
  let writtenBytes = 0
  let partsBegun = 0
  let failure: { error: unknown } | undefined
  let isOpen = true

  function throwIfFailed(): void {
    if (failure !== undefined) throw failure.error
  }

  async function partOf(bytes: Uint8Array): Promise<Part> {
    const { partDigest } = service
    if (startDigest === undefined || !isShared(bytes)) {
      return { bytes, digest: createHash(partDigest).update(bytes).digest('base64') }
    }
    using digest = startDigest([partDigest])
    await digest.update(bytes)
    const result = await digest.result()
    return { bytes, digest: result[partDigest] ?? '' }
  }

  async function sendPart(number: number, bytes: Uint8Array): Promise<void> {
    upload ??= service.putInParts(object, given.signal)
    const [begun, part] = await Promise.all([upload, partOf(bytes)])
    await begun.put(number, part, given.signal)
  }

  /** Sends what is gathered while more is gathered in another buffer. */
  function handOver(buffer: Uint8Array): void {
    partsBegun += 1
    const sent: Promise<void> = sendPart(partsBegun, buffer.subarray(0, filledBytes))
      .catch((error: unknown) => {
        failure ??= { error }
        given.abort()
      })
      .finally(() => {
        sending.delete(sent)
        giveBack(buffer)
      })
    sending.add(sent)
    filling = undefined
    filledBytes = 0
  }

  async function bufferToFill(): Promise<Uint8Array> {
    while (sending.size >= (partBuffersInUse() < BUFFERS_MANY ? PARTS_AT_ONCE : 1)) await Promise.race(sending)
    throwIfFailed()
    return sizeInBytes <= SMALL_BYTES ? Buffer.allocUnsafeSlow(sizeInBytes) : takePartBuffer(partBytes)
  }

  /** The answer to the last request may have been lost, or a try before it may have done the work. */
  async function isThereAfterAll(failed: unknown): Promise<boolean> {
    // Where no answer came for so long, another question is not worth as much patience again.
    const isRepeated = !(failed instanceof StoreCallFailed) || failed.status !== undefined
    const found = await service.find(key, { isRepeated }).catch(() => undefined)
    if (found?.sizeInBytes !== sizeInBytes) return false
    // Whoever else completes a replacement writes the same bytes.
    return found.writerToken === writerToken || (isReplacement === true && found.writerToken !== undefined)
  }

  async function finish(): Promise<void> {
    if (!isOnePart) return await (await upload)?.complete()
    const whole = await partOf(filling?.subarray(0, filledBytes) ?? new Uint8Array())
    await service.put(object, whole, given.signal)
  }

  function end(): void {
    isOpen = false
    if (filling !== undefined) giveBack(filling)
    filling = undefined
    onEnd?.()
  }

  async function drop(): Promise<void> {
    if (!isOpen) return
    isOpen = false
    failure ??= { error: new Error(`The writing of ${name} was given up.`) }
    given.abort()
    await Promise.all(sending)
    // What cannot be dropped now is found later, as what nobody has touched for long.
    await upload?.then((begun) => begun.drop()).catch(() => {})
    end()
  }

  return {
    async write(chunk) {
      throwIfFailed()
      if (writtenBytes + chunk.length > sizeInBytes) throw sizeMismatch(name, sizeInBytes, 'more')
      for (let taken = 0; taken < chunk.length; ) {
        filling ??= await bufferToFill()
        const partEnd = Math.min(partBytes, sizeInBytes - partsBegun * partBytes)
        const piece = chunk.subarray(taken, taken + partEnd - filledBytes)
        filling.set(piece, filledBytes)
        filledBytes += piece.length
        writtenBytes += piece.length
        taken += piece.length
        if (filledBytes === partEnd && !isOnePart) handOver(filling)
      }
    },
    async commit() {
      if (writtenBytes !== sizeInBytes) throw sizeMismatch(name, sizeInBytes, `only ${writtenBytes}`)
      await Promise.all(sending)
      throwIfFailed()
      await finish().catch(async (error: unknown) => {
        if (!(await isThereAfterAll(error))) throw error
      })
      end()
    },
    suspend: drop,
    [Symbol.asyncDispose]: drop,
  }
}

function giveBack(buffer: Uint8Array): void {
  if (isShared(buffer)) returnPartBuffer(buffer)
}

function isShared(bytes: Uint8Array): bytes is Block {
  return bytes.buffer instanceof SharedArrayBuffer
}

function sizeMismatch(name: string, sizeInBytes: number, written: string): AppError {
  return new AppError('SizeMismatch', `${name} was announced with ${sizeInBytes} bytes, but ${written} were written.`, {
    target: name,
  })
}
