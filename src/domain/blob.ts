import { randomBytes } from 'node:crypto'

/**
 * The name of one stored copy of some bytes: the SHA-256 of the content in hex, a dot, and eight hex digits that no other
 * copy has. Because a name is never used twice, deleting an old copy late can never hit a new one of the same content.
 */
export type BlobName = `${string}.${string}`

/** A fresh name for bytes with this digest (32 bytes, as lower-case hex). */
export function newBlobName(sha256Hex: string): BlobName {
  return `${sha256Hex}.${randomBytes(4).toString('hex')}`
}

export function isBlobName(text: string): text is BlobName {
  return /^[0-9a-f]{64}\.[0-9a-f]{8}$/.test(text)
}

/** Manifests write digests in base64, stores use hex as names: one place to change between them. */
export function hexOfBase64(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex')
}
