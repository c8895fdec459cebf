import { AppError } from '../domain/errors.ts'

/** Entries of one page. */
export const PAGE_SIZE = 100

/**
 * Where the next page begins, and what is listed, as an opaque token of `[A-Za-z0-9_-]`. The question travels inside the token, not
 * beside it: the Python client decodes a next link and sends it again without encoding it, so a filter with blanks would break,
 * and braces would make it loop for ever.
 */
export function pageToken(state: object): string {
  return Buffer.from(JSON.stringify(state)).toString('base64url')
}

/** Reads a token back. Throws `AppError('InvalidRequest')` if it is not one of ours. */
export function readPageToken<State extends object>(token: string | undefined): State | undefined {
  if (token === undefined) return undefined
  try {
    const state: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (typeof state === 'object' && state !== null && !Array.isArray(state)) return state as State
  } catch {
    // Falls through to the same error.
  }
  throw new AppError('InvalidRequest', 'The paging token is not one of this server; begin the list again.', {
    target: 'skipToken',
  })
}

/** The address of the next page: the same path, relative, in the caller's own `api-version`. */
export function nextLink({ path, query }: { path: string; query: { apiVersion?: string } }, state: object): string {
  const version = query.apiVersion === undefined ? '' : `api-version=${query.apiVersion}&`
  return `${path}?${version}skipToken=${pageToken(state)}`
}
