import { type JsonValue, jsonText } from '../../domain/json-text.ts'
import type { Answer } from './call.ts'

export function json(value: JsonValue, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers, body: jsonText(value) }
}

/** A document with an ETag: 304 without a body if the caller has it already. */
export function entity(
  etag: string,
  ifNoneMatch: string | undefined,
  value: () => JsonValue,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const all = { etag, ...headers }
  return matches(etag, ifNoneMatch) ? { status: 304, headers: all } : json(value(), all)
}

/** Whether an `If-None-Match` header names this entity tag (RFC 9110, 13.1.2: weak comparison, lists, `*`). */
export function matches(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => {
    const trimmed = tag.trim()
    return trimmed === '*' || trimmed.replace(/^W\//, '') === etag
  })
}

/** 202 without a body, as the original service answers (recorded traffic, 2021). `location` is where to ask how the operation goes. */
export function acceptedAt(location: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 202, headers: { 'operation-location': location, ...headers, 'content-length': '0' } }
}
