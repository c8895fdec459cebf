import { randomBytes } from 'node:crypto'
import type { Caller } from './caller.ts'
import { AppError } from './errors.ts'
import { LIMITS } from './limits.ts'

/** Whose an upload is: of one subject of one issuer, in one instance. */
export interface StagingOwner {
  instance: string
  subject: string
  issuer: string
}

/** Whose uploads a caller may name in an instance: the own ones. */
export function ownerOf({ instance, caller }: { instance: string; caller: Caller }): StagingOwner {
  const { subject, issuer } = caller
  return { instance, subject, issuer }
}

/** Bytes that somebody uploads to be imported. */
export interface StagedUpload {
  /** 32 hex digits. */
  id: string
  fileName: string
  /** What the client said of it, to the letter. */
  metadata: string
  sizeInBytes: number
  /** Those that are kept; the upload is complete when they are all. */
  bytesReceived: number
  /** Milliseconds since 1970. */
  createdAt: number
  expiresAt: number
  /** Its time was over, and its bytes are gone. */
  isReleased: boolean
}

export function newStagedId(): string {
  return randomBytes(16).toString('hex')
}

export function isStagedId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

/** What the URL of a staged upload begins with, where an import names it. */
export const STAGING_PROTOCOL = 'staging:'

/** The id in a URL such as `staging:5e88…`; undefined for every other URL. */
export function stagedIdOf(url: string): string | undefined {
  const id = url.startsWith(STAGING_PROTOCOL) ? url.slice(STAGING_PROTOCOL.length) : ''
  return isStagedId(id) ? id : undefined
}

/**
 * Reads what a client says of an upload (tus 1.0.0, Upload-Metadata): pairs of a key and a value in base64. Only `filename` is looked at;
 * without it the upload is called by its id. Throws `AppError('InvalidRequest')`.
 */
export function readFileName(metadata: string, id: string): string {
  if (metadata.length > LIMITS.stagingMetadataLengthMax) {
    throw wrongMetadata(`must not have more than ${LIMITS.stagingMetadataLengthMax} characters`)
  }
  const values = new Map<string, string>()
  for (const pair of metadata === '' ? [] : metadata.split(',')) {
    const [, key = '', value = ''] = PAIR.exec(pair) ?? []
    if (key === '' || values.has(key)) {
      throw wrongMetadata('must be pairs "key base64", divided by commas, with each key once')
    }
    values.set(key, value)
  }
  const fileName = Buffer.from(values.get('filename') ?? '', 'base64').toString()
  // It is shown to people.
  if (/\p{Cc}/u.test(fileName) || fileName.length > LIMITS.fileNameLengthMax) {
    throw wrongMetadata(
      `must have a filename without control characters, of at most ${LIMITS.fileNameLengthMax} characters`,
    )
  }
  return fileName === '' ? id : fileName
}

const PAIR = /^ *([!-+\--~]+)(?: ([A-Za-z0-9+/]*={0,2}))? *$/

function wrongMetadata(what: string): AppError {
  return new AppError('InvalidRequest', `Upload-Metadata ${what}.`, { target: 'Upload-Metadata' })
}
