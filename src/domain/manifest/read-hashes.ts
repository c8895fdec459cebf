import type { Findings } from '../findings.ts'
import { type JsonNode, quote } from '../json-document.ts'
import { hasType, readText } from '../read-json-values.ts'

const DIGEST_BYTES = new Map([
  ['md5', 16],
  ['sha1', 20],
  ['sha224', 28],
  ['sha256', 32],
  ['sha384', 48],
  ['sha512', 64],
])

/**
 * Reads digests by algorithm, names in lower case (import schema 4.0, fileHashes). Digests of algorithms that are not known
 * here are kept unchecked, and those that are none are left out.
 */
export function readHashes(node: JsonNode | undefined, findings: Findings): Record<string, string> {
  if (node === undefined || !hasType(node, 'object', findings)) return {}
  const hashes = node.members.map((member) => [member.name.toLowerCase(), readHash(member, findings)] as const)
  if (!hashes.some(([algorithm]) => algorithm === 'sha256')) {
    findings.error('MemberMissing', node, `${node.label} lacks "sha256". Add the SHA-256 digest in base64.`)
  }
  return Object.fromEntries(hashes.filter(([, digest]) => digest !== ''))
}

function readHash(node: JsonNode, findings: Findings): string {
  const bytes = DIGEST_BYTES.get(node.name.toLowerCase())
  if (bytes === undefined) {
    const known = [...DIGEST_BYTES.keys()].join(', ')
    findings.advise(node, () => `${quote(node.name)} cannot be checked; known algorithms are ${known}.`)
    return readText(node, { max: 256 }, findings)
  }
  if (!hasType(node, 'string', findings)) return ''
  const text = String(node.value)
  const problem = problemOfDigest(text, bytes)
  if (problem !== undefined) {
    const wanted = `the ${bytes} raw bytes in standard base64 (${Math.ceil(bytes / 3) * 4} characters)`
    findings.error('HashWrong', node, `${node.label} ${problem} Device Update wants ${wanted}.`)
    return ''
  }
  return text
}

/** What is wrong with base64 that should decode to `bytes` bytes, with the right text where it can be told. */
/** Uses only what browsers have as well: manifests are judged there too, while they are written. */
function problemOfDigest(text: string, bytes: number): string | undefined {
  if (isHexOf(text, bytes)) return `looks like a hex digest; in base64 it is "${base64OfHex(text)}".`
  const decoded = decodeForgivingly(text)
  if (decoded === undefined) return text === '' ? 'is empty.' : 'is not exact base64.'
  if (isHexOf(decoded, bytes)) return `is base64 of a hex digest; it should be "${base64OfHex(decoded)}".`
  const canonical = btoa(decoded)
  if (canonical === text) {
    return decoded.length === bytes
      ? undefined
      : `is the base64 of ${decoded.length} bytes, but the digest has ${bytes}.`
  }
  if (decoded.length !== bytes || canonical.replaceAll('=', '') !== lettersOf(text)) return 'is not exact base64.'
  return `${/[-_]/.test(text) ? 'is base64url' : 'has wrong padding or white space'}; it should be "${canonical}".`
}

/** A character for each byte; undefined where even white space, padding and the letters of base64url do not explain the text. */
function decodeForgivingly(text: string): string | undefined {
  const letters = lettersOf(text)
  const isBase64 = letters !== '' && /^[A-Za-z0-9+/]*$/.test(letters) && letters.length % 4 !== 1
  return isBase64 ? atob(letters) : undefined
}

function lettersOf(text: string): string {
  return text.replaceAll('-', '+').replaceAll('_', '/').replaceAll(/[=\s]/g, '')
}

function isHexOf(text: string, bytes: number): boolean {
  return text.length === bytes * 2 && /^[0-9a-f]+$/i.test(text)
}

function base64OfHex(hex: string): string {
  return btoa(hex.replaceAll(/../g, (digits) => String.fromCharCode(Number.parseInt(digits, 16))))
}
