import { auditEntryOf } from '../../domain/audit-entry.ts'
import { newBlobName } from '../../domain/blob.ts'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import {
  isStagedId,
  newStagedId,
  ownerOf,
  readFileName,
  type StagedUpload,
  type StagingOwner,
} from '../../domain/staged-upload.ts'
import type { BlobStore } from '../../ports/blob-store.ts'
import type { Database } from '../../ports/database.ts'
import { countParts, dropPart, keepPart, notePart, type StagedPart } from '../../store/staging/staged-parts.ts'
import {
  findUpload,
  listUploads,
  recordUpload,
  removeUpload,
  stagingUsage,
  type UploadPosition,
} from '../../store/staging/staged-uploads.ts'
import type { Audit } from '../audit.ts'
import { keeping } from '../blobs/keeping.ts'
import { settleBlob } from '../blobs/settle-blob.ts'
import { BodyBroken, inParts } from './in-parts.ts'
import { createPartBuffers } from './part-buffers.ts'

/** Parts are as large as what one request to an object store well carries. */
const PART_BYTES = 8 * 1024 * 1024
/** How long a part is collected: so much of what a slow client sent is lost at most when the process dies. */
const TURN_MS = 10_000
/** Parts that are collected or stored at the same time, whoever sends them: what staging may take of the memory. */
const PARTS_AT_ONCE = 6

export interface StagingSettings {
  /** How long an upload is kept after its last byte, or the last import that failed. */
  keepMs: number
  /** What the uploads of an instance may have together. */
  bytesMax: number
}

export const STAGING_SETTINGS: StagingSettings = { keepMs: 24 * 3600 * 1000, bytesMax: 32 * 1024 ** 3 }

/** Takes in bytes that callers upload, for an import to name. An upload is its owner's: for everybody else it is not there. */
export interface Staging {
  /**
   * Makes an upload without bytes. Throws `AppError`: `UploadTooLarge`, `StagingFull`, or `InvalidRequest` for metadata
   * that cannot be read.
   */
  create(upload: {
    instance: string
    caller: Caller
    sizeInBytes: number
    /** As the client wrote it (tus 1.0.0, Upload-Metadata). */
    metadata: string
  }): Promise<StagedUpload>
  /** Throws `AppError('NotFound')`, or `AppError('UploadExpired')`. */
  find(id: string, owner: StagingOwner): Promise<StagedUpload>
  list(owner: StagingOwner, page: { after: UploadPosition | undefined; limit: number }): Promise<StagedUpload[]>
  /**
   * Adds what the client sends, at `offset`, which must be where the upload ends. All that came is kept, also where this throws since the
   * client went away or the server stops. Throws `AppError` as `find` does, and `UploadOffsetWrong`, `UploadTooLarge`, `StoreFull`,
   * `StoreFailed`, `Unavailable`, `InvalidRequest` where the connection broke.
   */
  append(
    id: string,
    owner: StagingOwner,
    sent: { offset: number; body: AsyncIterable<Uint8Array> },
  ): Promise<StagedUpload>
  /** Throws `AppError('NotFound')`. What it counted for is free at once. */
  remove(upload: { id: string; instance: string; caller: Caller }): Promise<void>
  /** Ends what is being sent, and waits until what came is kept. */
  stop(): Promise<void>
}

export function createStaging({
  database,
  blobs,
  audit,
  settings: { keepMs, bytesMax } = STAGING_SETTINGS,
  partBytes = PART_BYTES,
  partsAtOnce = PARTS_AT_ONCE,
}: {
  database: Database
  blobs: BlobStore
  audit: Audit
  settings?: StagingSettings
  partBytes?: number
  partsAtOnce?: number
}): Staging {
  // What still comes must not expire.
  const turnMs = Math.min(TURN_MS, keepMs / 4)
  const buffers = createPartBuffers({ count: partsAtOnce, sizeInBytes: partBytes })
  const stopping = new AbortController()
  const appending = new Set<Promise<unknown>>()

  async function find(id: string, owner: StagingOwner): Promise<StagedUpload> {
    const upload = isStagedId(id) ? await findUpload(database, id, owner) : undefined
    if (upload === undefined) throw noUpload(id)
    if (upload.isReleased) {
      throw new AppError(
        'UploadExpired',
        `The staged upload ${id} has expired, and its bytes are gone. Upload it again.`,
      )
    }
    return upload
  }

  /** Stores a part at the end of an upload, in the order that a crash cannot harm: noted, stored, counted. */
  async function keep(part: StagedPart, bytes: Uint8Array, upload: StagedUpload, owner: StagingOwner): Promise<void> {
    const { sha256, sizeInBytes } = part
    if (!(await notePart(database, part))) await refuse()
    try {
      await keeping({ title: upload.fileName }, store())
      if (!(await keepPart(database, part))) await refuse()
    } catch (error) {
      // What cannot be dropped now, the next part here drops, or the end of the upload.
      await dropPart(database, part).catch(() => {})
      throw error
    }

    /** Somebody else sent there meanwhile, or the upload is gone. */
    async function refuse(): Promise<never> {
      const { bytesReceived } = await find(upload.id, owner)
      throw notTheEnd(upload.id, part.start, bytesReceived)
    }

    async function store(): Promise<void> {
      const name = newBlobName(sha256)
      await using blob = await blobs.create({ name, sizeInBytes })
      await blob.write(bytes)
      // Also where the store has the content already: how long it takes must not tell what others have.
      await settleBlob(blob, { name, sha256, sizeInBytes }, { database, blobs })
    }
  }

  async function append(
    id: string,
    owner: StagingOwner,
    { offset, body }: { offset: number; body: AsyncIterable<Uint8Array> },
  ): Promise<StagedUpload> {
    const upload = await find(id, owner)
    if (upload.bytesReceived !== offset) throw notTheEnd(id, offset, upload.bytesReceived)
    let parts = await countParts(database, id)
    let start = offset
    try {
      for await (const { bytes, sha256 } of inParts(body, {
        buffers,
        // One more than may come, which is then too many.
        bytesMax: upload.sizeInBytes - offset + 1,
        signal: stopping.signal,
        turnMs,
      })) {
        const sizeInBytes = bytes.length
        if (start + sizeInBytes > upload.sizeInBytes) throw tooMany(upload)
        if (parts === LIMITS.stagedPartsMax) throw tooManyParts(id)
        await keep({ uploadId: id, start, sha256, sizeInBytes }, bytes, upload, owner)
        start += sizeInBytes
        parts += 1
      }
    } catch (error) {
      if (!(error instanceof BodyBroken)) throw error
      throw new AppError('InvalidRequest', `The connection ended at byte ${start} of ${upload.sizeInBytes}.`, {
        cause: error,
      })
    }
    return await find(id, owner)
  }

  return {
    find,

    async create({ instance, caller, sizeInBytes, metadata }) {
      if (sizeInBytes > LIMITS.fileBytesMax) {
        throw new AppError(
          'UploadTooLarge',
          `The upload would have ${sizeInBytes} bytes; a file may have ${LIMITS.fileBytesMax}.`,
          { target: 'Upload-Length' },
        )
      }
      const owner = ownerOf({ instance, caller })
      const id = newStagedId()
      const fileName = readFileName(metadata, id)
      const entry = auditEntryOf(caller, { action: 'stage', instance, target: id })
      const uploadsMax = LIMITS.stagedUploadsMax
      const upload = { id, metadata, fileName, sizeInBytes }
      if (!(await recordUpload(database, upload, owner, { keepMs, bytesMax, uploadsMax, audit: entry }))) {
        const { bytes, uploads } = await stagingUsage(database, owner)
        throw new AppError(
          'StagingFull',
          uploads >= uploadsMax
            ? `You have ${uploads} staged uploads in this instance, and may have ${uploadsMax}. Import or delete some.`
            : `The upload has ${sizeInBytes} bytes; in this instance ${bytes} are staged, and ${bytesMax} may be. ` +
                'Import or delete what is staged.',
        )
      }
      await audit.recorded(entry)
      return await find(id, owner)
    },

    list: (owner, page) => listUploads(database, owner, page),

    append(id, owner, sent) {
      const appended = append(id, owner, sent)
      const settled = appended.then(
        () => {},
        () => {},
      )
      appending.add(settled)
      settled.finally(() => appending.delete(settled))
      return appended
    },

    async remove({ id, instance, caller }) {
      const entry = auditEntryOf(caller, { action: 'unstage', instance, target: id })
      if (!isStagedId(id) || !(await removeUpload(database, id, ownerOf({ instance, caller }), entry)))
        throw noUpload(id)
      await audit.recorded(entry)
    },

    async stop() {
      stopping.abort(new AppError('Unavailable', 'The server is stopping. What came is kept; go on at another one.'))
      await Promise.all(appending)
    },
  }
}

function noUpload(id: string): AppError {
  return new AppError('NotFound', `You have no staged upload ${id.slice(0, 64)} in this instance.`)
}

function notTheEnd(id: string, offset: number, end: number): AppError {
  return new AppError(
    'UploadOffsetWrong',
    `Bytes were sent for ${id} at ${offset}, but the upload ends at ${end}. Ask with HEAD where to go on.`,
    { target: 'Upload-Offset' },
  )
}

function tooMany({ id, sizeInBytes }: StagedUpload): AppError {
  return new AppError('UploadTooLarge', `More bytes were sent for ${id} than the ${sizeInBytes} that were announced.`)
}

function tooManyParts(id: string): AppError {
  return new AppError(
    'UploadTooLarge',
    `${id} came in more than ${LIMITS.stagedPartsMax} pieces. Delete it, and upload in larger ones.`,
  )
}
